"""Session settings that must not depend on the defaults of a role or a database.

They are set only on connections straight to the server: a pooler rejects such settings, or leaks
them to other clients. Other defaults of the role or database, such as time limits, stay.
"""

import asyncpg

from dal.paths import SQL

# Sent with the startup message.
STARTUP_SETTINGS = {
    # At a higher level concurrent statements on the same row fail; behind a pooler the binding
    # repeats them.
    "default_transaction_isolation": "read committed",
    # The coordinator of a Citus cluster writes times in this session's style, for workers that read
    # them in their own: 6 May would become 5 June there, or fail.
    "datestyle": "ISO",
}
NEW_CONNECTION = (SQL / "new_connection.sql").read_text(encoding="utf-8")


async def configure(connection: asyncpg.Connection) -> None:
    """Run new_connection.sql, whose settings depend on the size of the tables."""
    await connection.execute(NEW_CONNECTION)
