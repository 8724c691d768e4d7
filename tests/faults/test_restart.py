"""The server goes away in each way, is not there yet, or takes no more connections."""

import asyncio
import logging
import re
from contextlib import AsyncExitStack
from typing import get_args

import asyncpg
import pytest

import dal
from dal import conversations, errors, messages, users
from tests.faults.activity import assert_recovered, blocked, eventually, sessions
from tests.faults.restartable import End, Restartable


@pytest.mark.parametrize("end", get_args(End))
async def test_the_server_stops_under_work(
    db: dal.Database, server: Restartable, url: str, chat: dal.Conversation, end: End
) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def transaction() -> None:
        async with db.transaction() as holder:
            await messages.create(
                holder, user_id="ada", conversation_id=chat.id, role="user", content="Buy milk"
            )
            begun.set()
            await stopped.wait()

    async def call() -> None:
        await begun.wait()
        await conversations.touch(db, user_id="ada", conversation_id=chat.id)

    work = [asyncio.create_task(transaction()), asyncio.create_task(call())]
    await blocked(url)
    await asyncio.to_thread(server.stop, end)
    stopped.set()
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        assert type(outcome) is errors.ConnectionLostError
    with pytest.raises(errors.DatabaseUnavailableError, match="check that the server runs"):
        await users.get(db, user_id="ada")

    await asyncio.to_thread(server.start)
    await assert_recovered(db, url)
    assert await messages.count(db, user_id="ada", conversation_id=chat.id) == 0


async def test_a_restart_while_all_is_idle_fails_no_call(
    db: dal.Database, server: Restartable, url: str, ada: str
) -> None:
    for end in get_args(End):
        await asyncio.to_thread(server.stop, end)
        await asyncio.to_thread(server.start)
        assert await users.get(db, user_id=ada)
        await assert_recovered(db, url)


async def test_a_server_that_comes_later(server: Restartable, url: str) -> None:
    server.stop()
    early = dal.connect(url, min_size=2)
    for _ in range(2):
        with pytest.raises(errors.DatabaseUnavailableError, match="check that the server runs"):
            await early
    with pytest.raises(errors.DatabaseUnavailableError, match="not connected"):
        await early.ping()
    server.start()
    async with early:
        await assert_recovered(early, url)


@pytest.fixture(params=["server", "role"])
async def crowded(request: pytest.FixtureRequest, server: Restartable, url: str) -> str:
    """URL of the database as a user who gets 5 connections at the most."""
    if request.param == "server":
        # The superuser gets those that are kept for it, beyond the 5.
        server.settings |= {"max_connections": 8, "superuser_reserved_connections": 3}
        server.stop()
        server.start()
    admin = await asyncpg.connect(url)
    limit = "CONNECTION LIMIT 5" if request.param == "role" else ""
    await admin.execute(f"DROP ROLE IF EXISTS crowd; CREATE ROLE crowd LOGIN {limit}")
    await admin.close()
    return url.replace("postgres@", "crowd@")


async def test_too_many_connections(crowded: str, url: str) -> None:
    async with dal.connect(crowded, min_size=1, max_size=20) as db:
        async with AsyncExitStack() as lent:
            for _ in range(5):
                await lent.enter_async_context(db.acquire())
            for _ in range(2):
                with pytest.raises(errors.DatabaseUnavailableError, match="lower max_size") as full:
                    await db.ping()
                assert full.value.sqlstate == "53300"
        await assert_recovered(db, url)
        assert db.stats().size == 5


async def test_too_many_connections_from_the_start(crowded: str, url: str) -> None:
    with pytest.raises(errors.DatabaseUnavailableError, match="lower max_size"):
        await dal.connect(crowded, min_size=10)
    await eventually(lambda: sessions(url), [])


@pytest.mark.parametrize("end", get_args(End))
async def test_a_restart_that_a_busy_event_loop_did_not_notice(
    url: str, server: Restartable, end: End
) -> None:
    async with dal.connect(url, min_size=10) as busy:
        server.stop(end)  # in the loop's own thread
        server.start()
        with pytest.raises(errors.ConnectionLostError, match="repeat it with the same id"):
            await busy.ping()
        await asyncio.gather(*(busy.ping() for _ in range(20)))
        await assert_recovered(busy, url)


async def test_replacing_a_connection_that_died_unnoticed(url: str, server: Restartable) -> None:
    async with dal.connect(url, min_size=1) as db:
        assert db._pool
        server.stop("kill")
        server.start()
        await db._pool.pool.expire_connections()  # as a timer does, or another connection's loss
        await db.ping()


async def test_an_outage_is_one_sentence_in_the_log(
    db: dal.Database, server: Restartable, caplog: pytest.LogCaptureFixture
) -> None:
    tries = 0

    def count(_: logging.LogRecord) -> bool:
        nonlocal tries
        tries += 1
        return True

    async def tried() -> bool:
        return tries > 1

    logging.getLogger("asyncpg.pool").filters.insert(0, count)

    try:
        await asyncio.to_thread(server.stop)
        await eventually(tried, True)
    finally:
        del logging.getLogger("asyncpg.pool").filters[0]
    [record] = caplog.records
    assert (record.name, record.levelname, record.exc_info) == ("dal", "WARNING", None)
    assert re.fullmatch(
        r"the pool has fewer than min_size connections, and keeps trying to open more: .+",
        record.getMessage(),
    )


async def test_what_asyncpg_logs_of_a_pool_of_the_service_s_own_stays(
    server: Restartable, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncpg.create_pool(url, min_size=1, max_size=1):
        await asyncio.to_thread(server.stop)

        async def logged() -> bool:
            return bool(caplog.records)

        await eventually(logged, True)
    assert {record.name for record in caplog.records} == {"asyncpg.pool"}
