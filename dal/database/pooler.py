"""Whether a pooler stands between us and the server."""

from typing import Any

import asyncpg


async def behind_pooler(**address: Any) -> bool:
    """Connect once and look.

    A pooler answers the start-up itself, with a process id of its own making; a statement reaches
    a server process with another one. The look leaves no prepared statement behind.
    """
    connection = await asyncpg.connect(**address, statement_cache_size=0)
    try:
        server: int = await connection.fetchval("SELECT pg_backend_pid()")
        return bool(server != connection.get_server_pid())
    finally:
        await connection.close()
