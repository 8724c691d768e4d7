"""The connections that no call uses: which is used next, and when the pool gets one back."""

import asyncio
from typing import Any
from unittest.mock import patch

import asyncpg
import pytest

import dal
from dal.database import fair_pool
from dal.database.idle_connections import IdleConnections
from tests.database.backends import pid


@pytest.fixture(scope="module")
def url(module_database: str) -> str:
    """One database for all of these tests: what they are about is not in its tables."""
    return module_database


def test_the_last_one_used_is_the_next() -> None:
    idle = IdleConnections()
    for name in "abc":
        idle.push(name)
    assert [idle.pop() for _ in range(4)] == ["c", "b", "a", None]


def test_only_those_that_nobody_used_are_unused() -> None:
    idle = IdleConnections()
    for name in "abcd":
        idle.push(name)
    assert idle.pop_unused() is None
    idle.watch()
    for _ in range(2):  # two calls at a time
        calls = [idle.pop(), idle.pop()]
        for name in calls:
            idle.push(name)
    assert [idle.pop_unused() for _ in range(3)] == ["a", "b", None]
    assert sorted(idle) == ["c", "d"]
    idle.watch()
    assert sorted([idle.pop_unused(), idle.pop_unused()]) == ["c", "d"]
    assert (idle.pop_unused(), idle.pop(), list(idle)) == (None, None, [])


async def test_calls_use_no_more_connections_than_they_need(url: str) -> None:
    async with dal.connect(url, min_size=5, max_size=5) as db:
        await asyncio.gather(*(pid(db) for _ in range(5)))
        assert len({await pid(db) for _ in range(20)}) == 1


async def test_a_pool_that_has_grown_shrinks_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_pool, "_UNUSED_FOR", 0.05)
    async with dal.connect(url, min_size=1, max_size=5) as db:
        assert db._pool
        for holder in db._pool.pool._holders:
            holder._max_inactive_time = 0.05
        await asyncio.gather(*(db.fetch("SELECT pg_sleep(0.05)") for _ in range(5)))
        assert db.stats().size == 5
        async with asyncio.timeout(5):
            while db.stats().size > 1:
                assert await pid(db)  # which keeps one of them in use
                await asyncio.sleep(0.01)
        assert await pid(db)


async def test_what_the_pool_closes_is_not_used(url: str) -> None:
    async with dal.connect(url, min_size=1, max_size=1) as db:
        before = await pid(db)
        assert db._pool
        await db._pool.pool.expire_connections()
        assert db.stats() == dal.PoolStats(size=1, idle=1, min_size=1, max_size=1)
        after = await pid(db)
        assert after != before
        assert await pid(db) == after


async def test_an_idle_connection_whose_host_is_silent_is_cut_off(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(connection: Any, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await asyncio.sleep(60 if timeout is None else timeout)
        connection.terminate()
        raise TimeoutError

    monkeypatch.setattr(fair_pool, "_CLOSING_TIME", 0.05)
    async with dal.connect(url, min_size=1, max_size=1) as db:
        before = await pid(db)
        assert db._pool
        await db._pool.pool.expire_connections()
        with patch.object(asyncpg.Connection, "close", silent):
            async with asyncio.timeout(5):
                assert await pid(db) != before


async def test_closing_takes_no_time_where_all_is_idle(url: str) -> None:
    db = await dal.connect(url, min_size=5, max_size=5)
    await asyncio.gather(*(pid(db) for _ in range(5)))
    with patch.object(asyncpg.Pool, "terminate", autospec=True) as terminate:
        async with asyncio.timeout(5):
            await db.close()
    terminate.assert_not_called()


@pytest.mark.parametrize("way", ["acquire", "transaction"])
async def test_a_connection_that_was_lent_can_not_be_used_afterwards(url: str, way: str) -> None:
    async with dal.connect(url, min_size=1, max_size=1) as db:
        async with getattr(db, way)() as lent:
            await lent.execute("SELECT")
        with pytest.raises(Exception, match=r"released|has ended"):
            await lent.execute("SELECT")
        assert await pid(db)
