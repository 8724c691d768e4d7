"""A call may be cancelled wherever it waits: then all of it has happened, or nothing."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import asyncpg
import pytest

import dal
from tests.faults.activity import eventually, sessions
from tests.faults.work import Rows, Where, perform, refilled
from tests.surface import FUNCTIONS, snapshot

Moment: TypeAlias = Literal["early", "late"]

TIME = re.compile(r"\d{4}-\d\d-\d\d [\d:.]+\+00")


@dataclass
class Steps:
    """Awaits a coroutine, cancels it at one of its suspensions, and counts them.

    `early` is while it waits; `late` is when its answer is there, but it has not gone on yet.
    """

    coroutine: Coroutine[Any, Any, Any]
    suspension: int
    moment: Moment

    def __await__(self) -> Generator[Any, Any, int]:
        count, error = 0, None
        while True:
            try:
                waits_for = self.coroutine.throw(error) if error else self.coroutine.send(None)
            except StopIteration:
                return count
            count, error = count + 1, None
            task = asyncio.current_task()
            if count == self.suspension and self.moment == "early" and task:
                task.cancel()
            try:
                yield waits_for
            except BaseException as thrown:  # noqa: BLE001 it is passed on
                error = thrown
            if count == self.suspension and self.moment == "late":
                error = asyncio.CancelledError()


async def through(work: Coroutine[Any, Any, Any], suspension: int, moment: Moment) -> int | None:
    """Cancel the work at its n-th suspension; where it has fewer, return how many it has."""

    async def steps() -> int:
        return await Steps(work, suspension, moment)

    [outcome] = await asyncio.gather(asyncio.create_task(steps()), return_exceptions=True)
    if isinstance(outcome, int) and outcome < suspension:
        return outcome
    assert isinstance(outcome, asyncio.CancelledError), repr(outcome)
    return None


def seen(rows: Rows, before: Rows) -> list[str]:
    """Rows with their times as `old`, if they were there before, or `new`, to compare runs."""
    old = set(TIME.findall(str(before)))
    return [TIME.sub(lambda time: "old" if time[0] in old else "new", str(row)) for row in rows]


@pytest.fixture
async def single(url: str) -> AsyncIterator[dal.Database]:
    """A pool of a single connection; without a cache, each call waits to prepare its statement."""
    async with dal.connect(url, min_size=1, max_size=1, prepared_statements="off") as single:
        yield single


@pytest.mark.parametrize("moment", ["early", "late"])
@pytest.mark.parametrize("where", ["pool", "transaction"])
async def test_all_or_nothing(
    single: dal.Database, watcher: asyncpg.Connection, where: Where, moment: Moment
) -> None:
    async def clients() -> list[tuple[int, str]]:
        rows = await watcher.fetch(
            "SELECT pid, state FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            " AND application_name NOT LIKE 'citus_internal%'"
        )
        return [tuple(row) for row in rows]

    largest: dict[str, int] = {}
    changing: set[str] = set()
    [(backend, _)] = await clients()
    for name in FUNCTIONS:
        before = await refilled(watcher)
        await perform(name, single, where)
        everything = seen(await snapshot(watcher), before)
        before = await refilled(watcher)
        nothing = seen(before, before)
        if everything != nothing:
            changing.add(name)
        for suspension in itertools.count(1):
            if count := await through(perform(name, single, where), suspension, moment):
                largest[name] = count
                break
            await single.ping()
            await eventually(clients, [(backend, "idle")])
            after = await snapshot(watcher)
            assert seen(after, before) in (nothing, everything), (name, suspension)
            if after != before:
                before = await refilled(watcher)
    print(f"{where}, {moment}: the largest suspension was {max(largest.values())} of {largest}")
    assert {"users.erase", "conversations.touch", "messages.create_many"} <= changing


async def test_no_connection_outlives_a_cancelled_call_that_opened_it(url: str) -> None:
    for suspension in itertools.count(1):
        async with dal.connect(url, min_size=0, prepared_statements="off") as db:
            count = await through(perform("users.get", db, "pool"), suspension, "early")
        await eventually(lambda: sessions(url), [])
        if count:
            print(f"the largest suspension was {count}")
            return


async def test_a_call_that_waits_for_a_lock_is_cancelled_and_says_nothing_else(
    url: str, db: dal.Database
) -> None:
    """The request to cancel may reach the server before the statement does, and do nothing."""
    async with dal.connect(url, min_size=1, max_size=1, acquire_timeout=0.5) as narrow:
        for turns in range(12):
            await dal.users.get(narrow, user_id="ada")  # which prepares it
            async with db.transaction() as tx:
                await tx.execute("LOCK TABLE users")
                call = asyncio.create_task(dal.users.get(narrow, user_id="ada"))
                for _ in range(turns):
                    await asyncio.sleep(0)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
