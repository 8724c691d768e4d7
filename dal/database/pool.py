"""The making of a pool."""

from typing import Any

import asyncpg

from dal.database.address import Address
from dal.database.connection import Connection, keep
from dal.database.opening import open_connection
from dal.database.pooler import behind_pooler
from dal.database.session import SETTINGS, prepare
from dal.database.settings import Settings


async def open_pool(address: Address, settings: Settings) -> tuple[asyncpg.Pool, bool]:
    """Open a pool; with it, whether its sessions are ours, or a pooler's in between."""
    session: dict[str, str] = {}

    async def connect(*_: Any, **given: Any) -> asyncpg.Connection:
        return await open_connection(
            address, application_name=settings.application_name, session=session, **given
        )

    ours = not await behind_pooler(connect)
    if ours:
        session |= SETTINGS
    kept = {"auto": ours, "on": True, "off": False}[settings.prepared_statements]
    cache: dict[str, Any] = {} if kept else {"statement_cache_size": 0}
    pool = await asyncpg.create_pool(
        connect=connect,
        **cache,
        min_size=settings.min_size,
        max_size=settings.max_size,
        command_timeout=settings.command_timeout,
        connection_class=Connection,
        reset=keep,
        init=prepare if ours else None,
    )
    return pool, ours
