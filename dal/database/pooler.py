"""Whether a pooler stands between us and the server."""

from collections.abc import Awaitable, Callable

import asyncpg


async def behind_pooler(connect: Callable[..., Awaitable[asyncpg.Connection]]) -> bool:
    """Connect once and look; the look leaves no prepared statement behind."""
    connection = await connect(statement_cache_size=0)
    try:
        # A standby refuses what the defaults may make of it: a serializable transaction.
        async with connection.transaction(isolation="read_committed"):
            return await is_pooled(connection)
    finally:
        await connection.close()


async def is_pooled(connection: asyncpg.Connection) -> bool:
    """A pooler answers the start-up itself, with a process id of its own making.

    A statement reaches a server process, which has another one.
    """
    server = await connection.fetchval("SELECT pg_backend_pid()")
    return bool(server != connection.get_server_pid())
