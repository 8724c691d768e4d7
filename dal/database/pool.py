"""Opens pools."""

import asyncio
from typing import Any

import asyncpg

from dal.database.address import Address, host_and_port
from dal.database.connection import Connection, skip_reset
from dal.database.opening import open_connection
from dal.database.pooler import detect_pooler
from dal.database.session import STARTUP_SETTINGS, configure
from dal.database.settings import PoolSettings
from dal.errors import DatabaseUnavailableError


async def open_pool(address: Address, settings: PoolSettings) -> tuple[asyncpg.Pool, bool]:
    """Open a pool; returns also whether there is no pooler in between."""
    session: dict[str, str] = {}
    limit: float | None = None  # at the start the address's own limit holds

    async def connect(*_: Any, **arguments: Any) -> asyncpg.Connection:
        try:
            async with asyncio.timeout(limit):
                return await open_connection(
                    address,
                    application_name=settings.application_name,
                    session=session,
                    **arguments,
                )
        except TimeoutError:
            pass
        raise no_connection(address)

    direct = not await detect_pooler(connect)
    if direct:
        session |= STARTUP_SETTINGS
    kept = {"auto": direct, "on": True, "off": False}[settings.prepared_statements]
    cache: dict[str, Any] = {} if kept else {"statement_cache_size": 0}
    pool = await asyncpg.create_pool(
        connect=connect,
        **cache,
        min_size=settings.min_size,
        max_size=settings.max_size,
        command_timeout=settings.command_timeout,
        connection_class=Connection,
        reset=skip_reset,
        init=configure if direct else None,
    )
    limit = settings.acquire_timeout
    return pool, direct


def no_connection(address: Address) -> DatabaseUnavailableError:
    """The error of a call for which no connection could be opened in time."""
    hosts = ", ".join(host_and_port(*host) for host in address.hosts)
    return DatabaseUnavailableError(
        f"no connection to {hosts} within acquire_timeout; dal ping says why"
    )
