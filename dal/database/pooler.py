"""Whether a pooler stands between us and the server."""

from collections.abc import Awaitable, Callable

import asyncpg


async def detect_pooler(connect: Callable[..., Awaitable[asyncpg.Connection]]) -> bool:
    """Connect once to find out; this leaves no prepared statement behind."""
    connection = await connect(statement_cache_size=0)
    try:
        # Explicit: the default may be serializable, which a standby refuses.
        async with connection.transaction(isolation="read_committed"):
            return await is_behind_pooler(connection)
    finally:
        await connection.close()


async def is_behind_pooler(connection: asyncpg.Connection) -> bool:
    """Whether a connection leads to a pooler.

    A pooler answers the start-up itself, with a process id that it makes up. A statement reaches a
    server process, whose id differs.
    """
    server = await connection.fetchval("SELECT pg_backend_pid()")
    return bool(server != connection.get_server_pid())
