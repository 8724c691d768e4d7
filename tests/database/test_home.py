"""A database that is used in another process, thread or event loop than it was connected in."""

import asyncio
import gc
import os
import traceback
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from threading import Thread
from typing import Any

import pytest

import dal
from dal import errors, users
from dal.testing.server import Spares
from tests.wire import Relay


async def enter(block: Any) -> None:
    async with block:
        pass


USES: dict[str, Callable[[dal.Database, dal.Transaction], Awaitable[object]]] = {
    "call": lambda db, _: users.get(db, user_id="ada"),
    "ping": lambda db, _: db.ping(),
    "connect": lambda db, _: db.__aenter__(),
    "lend": lambda db, _: enter(db.acquire()),
    "begin": lambda db, _: enter(db.transaction()),
    "statement": lambda _, transaction: users.get(transaction, user_id="ada"),
    "savepoint": lambda _, transaction: enter(transaction.transaction()),
}


async def pids(db: dal.Database) -> set[object]:
    """The backends of both connections, each of which has answered."""
    async with db.acquire() as first, db.acquire() as second:
        return {await lent.fetchval("SELECT pg_backend_pid()") for lent in (first, second)}


def forked(work: Callable[[], str]) -> str:
    """What the work returns in a forked process, which ends without any clean-up."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            answer = work()
        except BaseException:  # noqa: BLE001
            answer = traceback.format_exc()
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as answers:
        return answers.read()


def in_thread(work: Callable[[], str]) -> str:
    """What another thread answers."""
    answers: list[str] = []
    thread = Thread(target=lambda: answers.append(work()))
    thread.start()
    thread.join()
    return answers[0]


@pytest.fixture
def url(url: str, dal_spares: Spares) -> str:
    """URL of a fresh database, from a process that can be forked."""
    dal_spares.rest()
    return url


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """The event loop in which the database is connected."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def far(runner: asyncio.Runner, relay: Relay) -> Iterator[dal.Database]:
    """A database of two connections, whose use can be seen."""
    far = dal.connect(relay.url, min_size=2, max_size=2, command_timeout=5)
    runner.run(far.__aenter__())
    runner.run(users.ensure(far, user_id="ada"))
    yield far
    runner.run(far.close())


@pytest.mark.parametrize(
    ("kind", "there"),
    [("process", forked), ("thread", in_thread), ("event loop", lambda work: work())],
    ids=["process", "thread", "event loop"],
)
def test_it_is_refused_before_anything_is_sent(
    runner: asyncio.Runner,
    far: dal.Database,
    relay: Relay,
    kind: str,
    there: Callable[[Callable[[], str]], str],
) -> None:
    async def refused() -> str:
        answers = set()
        for use in USES.values():
            with pytest.raises(errors.DalError) as raised:
                await use(far, transaction)
            assert type(raised.value) is errors.DalError
            assert raised.value.__context__ is None
            answers.add(str(raised.value))
        return " / ".join(answers)

    block = far.transaction()
    transaction = runner.run(block.__aenter__())
    sent = len(relay.messages)
    assert there(lambda: asyncio.run(refused())) == (
        f"the database was connected in another {kind}, and its connections can't be used in this"
        f" one; call dal.connect in each {kind}"
    )
    assert len(relay.messages) == sent
    runner.run(block.__aexit__(None, None, None))
    assert runner.run(users.get(far, user_id="ada"))


def test_a_forked_process_can_close_its_copy_and_connect_anew(
    runner: asyncio.Runner, far: dal.Database
) -> None:
    async def anew() -> str:
        await far.close()
        gc.collect()
        async with far:
            return f"{await users.get(far, user_id='ada')}"

    before = runner.run(pids(far))
    assert "id='ada'" in forked(lambda: asyncio.run(anew()))
    assert runner.run(pids(far)) == before


def test_a_connection_that_a_forked_process_forgets_stays_open_for_its_parent(
    runner: asyncio.Runner, far: dal.Database
) -> None:
    def forget() -> str:
        warnings.simplefilter("ignore")  # asyncpg's comes before what it does
        assert far._pool
        for holder in far._pool.pool._holders:
            holder._con = None
        gc.collect()
        return "forgotten"

    before = runner.run(pids(far))
    assert forked(forget) == "forgotten"
    assert runner.run(pids(far)) == before


def test_it_can_be_closed_where_it_was_connected_alone(
    runner: asyncio.Runner, far: dal.Database
) -> None:
    with pytest.raises(errors.DalError, match="another event loop"):
        asyncio.run(far.close())
    assert runner.run(users.get(far, user_id="ada"))


@pytest.mark.parametrize("use", ["transaction", "acquire", "connect"])
@pytest.mark.parametrize("leave", ["at the end", "by an error"])
async def test_a_fork_in_a_block_leaves_the_block_to_the_parent(
    url: str, use: str, leave: str
) -> None:
    class InTheChildError(Exception):
        pass

    async def block(db: dal.Database) -> None:
        async with getattr(db, use)() if use != "connect" else db as inside:
            await users.ensure(inside, user_id="ada")
            if (child := os.fork()) == 0:
                if leave == "by an error":
                    raise InTheChildError
                return
            os.waitpid(child, 0)  # noqa: ASYNC222 it ends at once
            await users.ensure(inside, user_id="bob")

    parent = os.getpid()
    db = dal.connect(url, min_size=1, max_size=1, command_timeout=5)
    if use != "connect":
        await db
    try:
        with suppress(InTheChildError, errors.DalError):
            await block(db)
    finally:
        if os.getpid() != parent:
            os._exit(0)
    async with db if use == "connect" else db.transaction() as again:
        for user_id in "ada", "bob":
            assert await users.get(again, user_id=user_id)
    await db.close()


def test_it_is_connected_by_many_tasks_in_one_event_loop_after_the_other(url: str) -> None:
    db = dal.connect(url, min_size=1)

    async def connected() -> dal.Database:
        return await db

    async def many() -> None:
        assert set(await asyncio.gather(connected(), connected())) == {db}
        await db.close()

    for _ in range(2):
        asyncio.run(many())
