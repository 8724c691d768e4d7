"""What a session is asked for that no role's or database's default may decide.

Only where the session is ours: a pooler refuses such settings, or gives them to its other clients.
What a default may decide stays, such as that a role only reads, and the time limits.
"""

import asyncpg

from dal.places import SQL

# At its start.
SETTINGS = {
    # At a higher level concurrent statements on the same row fail; behind a pooler the binding
    # repeats them.
    "default_transaction_isolation": "read committed",
}
NEW_CONNECTION = (SQL / "new_connection.sql").read_text(encoding="utf-8")


async def prepare(connection: asyncpg.Connection) -> None:
    """Ask for what depends on the database's state."""
    await connection.execute(NEW_CONNECTION)
