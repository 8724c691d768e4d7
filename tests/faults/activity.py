"""What the server sees of its clients, and whether a pool has recovered."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg

import dal
from dal import errors
from tests.distribute.cluster import CITUS

ACTIVITY = "citus_stat_activity" if CITUS else "pg_stat_activity"
"""Where locks are waited for, which a cluster's workers have."""


async def eventually(ask: Callable[[], Awaitable[object]], expected: object) -> None:
    """Wait until the answer is as expected."""
    answer: object = None
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            while (answer := await ask()) != expected:  # noqa: ASYNC110 it can only be asked
                await asyncio.sleep(0.01)
    assert answer == expected, answer


async def sessions(
    url: str, condition: str = "true", activity: str = "pg_stat_activity"
) -> list[str]:
    """The states of the clients of a database that meet a condition, but for the one that asks."""
    watcher = await asyncpg.connect(url)
    try:
        rows = await watcher.fetch(
            f"SELECT state FROM {activity} WHERE datname = current_database()"
            " AND (application_name NOT LIKE 'citus_internal%' OR wait_event_type = 'Lock')"
            f" AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND {condition}"
        )
    finally:
        await watcher.close()
    return [row["state"] for row in rows]


async def blocked(url: str) -> None:
    """Wait until a client waits for a lock."""
    waiting = "wait_event_type = 'Lock'"
    await eventually(lambda: sessions(url, waiting, ACTIVITY), ["active"])


async def assert_recovered(db: dal.Database, url: str) -> None:
    """One call may fail, the next works; no connection is lost to the pool or in a transaction."""
    with suppress(errors.ConnectionLostError):
        await db.ping()
    await db.ping()

    async def difference() -> list[str]:
        idle = ["idle"] * db.stats().size
        states = await sessions(url)
        return [] if states == idle else [*states, repr(db.stats())]

    await eventually(difference, [])
    assert db.stats().in_use == 0
