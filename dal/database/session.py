"""Session settings that must not depend on the defaults of a role or a database.

They are set only where the session is ours: a pooler refuses such settings, or gives them to its
other clients. Other defaults stay, such as a role's time limits, or that it only reads.
"""

import asyncpg

from dal.places import SQL

# At its start.
STARTUP_SETTINGS = {
    # At a higher level concurrent statements on the same row fail; behind a pooler the binding
    # repeats them.
    "default_transaction_isolation": "read committed",
}
NEW_CONNECTION = (SQL / "new_connection.sql").read_text(encoding="utf-8")


async def prepare(connection: asyncpg.Connection) -> None:
    """Apply the settings that depend on the database's state."""
    await connection.execute(NEW_CONNECTION)
