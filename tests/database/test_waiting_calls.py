"""The calls that wait for a connection: their order, their time limit, and what a cancelled one
leaves behind.
"""

import asyncio
from typing import Any
from unittest.mock import patch

import asyncpg
import pytest

import dal
from dal import errors
from dal.database.connection import release_to_pool
from dal.database.waiting_calls import WaitingCalls
from tests.database.backends import pid


@pytest.fixture(scope="module")
def url(module_database: str) -> str:
    """One database for all of these tests: what they are about is not in its tables."""
    return module_database


async def test_statements_run_in_the_order_of_their_calls(single: dal.Database) -> None:
    await single.execute("CREATE SEQUENCE served")
    calls = [single.fetch("SELECT nextval('served')::int AS served") for _ in range(50)]
    assert [rows[0]["served"] for rows in await asyncio.gather(*calls)] == [*range(1, 51)]


async def test_a_call_that_comes_late_is_behind_those_that_wait(single: dal.Database) -> None:
    order: list[str] = []

    async def call(name: str) -> None:
        await single.ping()
        order.append(name)
        if name == "first":  # its connection is free, and a call waits for it
            await call("late")

    await asyncio.gather(call("first"), call("second"), call("third"))
    assert order == ["first", "second", "third", "late"]


async def test_no_task_starves(single: dal.Database) -> None:
    taken = [0] * 30

    async def work(number: int) -> None:
        while sum(taken) < 1500:
            await single.ping()
            taken[number] += 1

    await asyncio.gather(*map(work, range(30)))
    assert max(taken) - min(taken) <= 1, taken


async def test_a_connection_goes_from_call_to_call_without_the_pool(single: dal.Database) -> None:
    await single.ping()
    acquire = asyncpg.Pool.acquire
    with (
        patch("dal.database.fair_pool.release_to_pool", wraps=release_to_pool) as released,
        patch.object(asyncpg.Pool, "acquire", autospec=True, side_effect=acquire) as acquired,
    ):
        await asyncio.gather(*(single.ping() for _ in range(20)))
        await single.ping()
    assert (released.call_count, acquired.call_count) == (0, 0)


async def test_the_next_call_never_gets_a_connection_that_is_expired(single: dal.Database) -> None:
    before = await pid(single)
    calls = [asyncio.create_task(pid(single)) for _ in range(5)]
    await asyncio.sleep(0)
    assert single._pool
    await single._pool.pool.expire_connections()
    first, *others = await asyncio.gather(*calls)
    assert first == before
    assert before not in others
    assert len(set(others)) == 1


async def test_the_next_call_never_gets_a_connection_that_is_broken(single: dal.Database) -> None:
    killed = asyncio.create_task(single.execute("SELECT pg_terminate_backend(pg_backend_pid())"))
    calls = [asyncio.create_task(pid(single)) for _ in range(5)]
    assert len(set(await asyncio.gather(*calls))) == 1
    with pytest.raises(Exception, match="terminating connection"):
        await killed


async def test_the_next_call_never_gets_a_statement_that_still_runs(single: dal.Database) -> None:
    cancelled = asyncio.create_task(single.execute("SELECT pg_sleep(60)"))
    await asyncio.sleep(0.05)
    calls = [asyncio.create_task(pid(single)) for _ in range(5)]
    await asyncio.sleep(0)
    cancelled.cancel()
    async with asyncio.timeout(10):
        assert len(set(await asyncio.gather(*calls))) == 1


@pytest.mark.parametrize("way", ["fetch", "acquire"])
async def test_a_call_that_is_cancelled_as_it_is_served_lets_the_next_go(
    single: dal.Database, way: str
) -> None:
    served = asyncio.Event()
    serve = WaitingCalls.serve

    def noted(queue: WaitingCalls, connection: Any) -> bool:
        was_served = serve(queue, connection)
        if was_served and not served.is_set():
            calls[0].cancel()  # before its task has run again
            served.set()
        return was_served

    with patch.object(WaitingCalls, "serve", noted):
        if way == "fetch":
            first = asyncio.create_task(single.ping())
            await asyncio.sleep(0)
            calls = [asyncio.create_task(pid(single)) for _ in range(3)]
            await first
        else:
            async with single.acquire():
                calls = [asyncio.create_task(pid(single)) for _ in range(3)]
                await asyncio.sleep(0)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert served.is_set()
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, int, int]
    assert (single.stats().idle, single.stats().waiting) == (1, 0)
    assert await single.ping() > 0


async def test_each_call_gives_up_after_its_own_time_by_one_timer() -> None:
    loop = asyncio.get_running_loop()
    queue = WaitingCalls(0.2)
    given_up: list[tuple[int, float]] = []

    async def wait(number: int) -> None:
        start = loop.time()
        try:
            await queue.join()
        except TimeoutError:
            given_up.append((number, loop.time() - start))

    tasks = []
    for number in range(5):
        tasks.append(asyncio.create_task(wait(number)))
        await asyncio.sleep(0.02)
    tasks[2].cancel()
    await asyncio.wait(tasks)
    assert [number for number, _ in given_up] == [0, 1, 3, 4]
    assert all(waited >= 0.19 for _, waited in given_up)  # a loop may count in milliseconds
    assert queue._timer is None
    assert not queue.serve("a connection")


async def test_the_time_limit_holds_with_the_opening_of_a_connection(url: str) -> None:
    loop, tried = asyncio.get_running_loop(), asyncio.Event()

    async def stuck(*_: Any, **__: Any) -> Any:
        await tried.wait()
        raise OSError

    async with dal.connect(url, min_size=1, max_size=1, acquire_timeout=1) as db:
        assert db._pool
        with patch.object(db._pool.pool, "_connect", stuck):
            async with db.acquire() as connection:
                start = loop.time()
                waiting = asyncio.create_task(pid(db))
                await asyncio.sleep(0.8)
                await connection.close()
            with pytest.raises(errors.DatabaseUnavailableError, match="within acquire_timeout"):
                await waiting
            assert 1 <= loop.time() - start < 1.6
            tried.set()
        assert await pid(db)


async def test_a_call_that_is_cancelled_as_it_gives_up_is_cancelled(url: str) -> None:
    give_up = WaitingCalls._give_up

    def given_up(queue: WaitingCalls) -> None:
        give_up(queue)
        call.cancel()  # before its task has run again

    async with dal.connect(url, min_size=1, max_size=1, acquire_timeout=0.1) as db:
        async with db.acquire():
            with patch.object(WaitingCalls, "_give_up", given_up):
                call = asyncio.create_task(pid(db))
                await asyncio.wait([call])
        assert call.cancelled()
        assert await pid(db)


async def test_calls_that_wait_are_refused_when_the_pool_closes(single: dal.Database) -> None:
    async with single.acquire() as lent:
        calls = [asyncio.create_task(pid(single)) for _ in range(3)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(single.close())
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert not closing.done()
        assert await lent.fetchval("SELECT 1") == 1
    await closing
    assert [type(outcome) for outcome in outcomes] == [errors.DatabaseUnavailableError] * 3
    assert {str(outcome) for outcome in outcomes} == {"closed while a call waited for a connection"}
