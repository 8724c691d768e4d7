"""What is measured side by side is the same work."""

import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, closing
from typing import Any
from uuid import UUID

import pytest

from tests.benchmarks import load, profile, speed, turns, workers
from tests.benchmarks.contender import Contender, Place, Said
from tests.benchmarks.contenders import generated, ours, raw
from tests.benchmarks.data import Scratch, deep, fill
from tests.benchmarks.targets import Target


@pytest.fixture
async def contenders(url: str) -> AsyncIterator[list[Contender]]:
    """Those that need no library but ours."""
    fill(url, long=200)
    async with AsyncExitStack() as stack:
        connects = [ours.pool, ours.held, raw.held, raw.pool, generated.pool]
        yield [await stack.enter_async_context(connect(url)) for connect in connects]


class Forgetful(raw.Raw):
    """Leaves out the oldest message of a page."""

    async def before(self, conversation: UUID, place: Place, count: int) -> Any:
        return (await super().before(conversation, place, count))[:-1]


class Careless(ours.Ours):
    """Stores messages without their metadata."""

    async def append_many(self, conversation: UUID, batch: Sequence[Any]) -> Any:
        bare = [type(message)(message.role, message.content) for message in batch]
        return await super().append_many(conversation, bare)


class Failing(ours.Ours):
    """Takes no turn."""

    async def turn(self, conversation: UUID, question: Said, answer: Said) -> Any:
        raise TimeoutError


async def test_all_give_and_store_the_same(url: str, contenders: list[Contender]) -> None:
    await speed.agree(contenders, url, deep(url, 100))


async def test_a_contender_that_gives_less_is_found(url: str, contenders: list[Contender]) -> None:
    forgetful = Forgetful("forgetful", contenders[0]._db)  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="forgetful gives something else"):
        await speed.agree([*contenders, forgetful], url, deep(url, 100))


async def test_a_contender_that_stores_less_is_found(url: str, contenders: list[Contender]) -> None:
    careless = Careless("careless", contenders[0]._db)  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="careless: append 100 stored other messages"):
        await speed.agree([*contenders, careless], url, deep(url, 100))


async def test_a_turn_that_fails_is_counted(url: str, contenders: list[Contender]) -> None:
    failing = Failing("failing", contenders[0]._db)  # type: ignore[attr-defined]
    with closing(Scratch(url)) as scratch:
        chats = scratch.conversations(30)
        sound, failed = [
            turns.Load.of([await turns.take(contender, chats, load.FEW, 0.1)])
            for contender in (contenders[0], failing)
        ]
    assert sound.errors == 0
    assert failed.errors >= load.FEW
    assert not Target("any", ratio=1, bound=0.9, errors=failed.errors).met
    assert Target("any", ratio=1, bound=0.9, errors=sound.errors).met


async def test_the_collectors_time_is_part_of_a_turns(
    url: str, contenders: list[Contender]
) -> None:
    class Collecting(ours.Ours):
        async def turn(self, conversation: UUID, question: Said, answer: Said) -> Any:
            gc.collect()

    with closing(Scratch(url)) as scratch:
        chats = scratch.conversations(1)
        collecting = Collecting("collecting", contenders[0]._db)  # type: ignore[attr-defined]
        taken = turns.Load.of([await turns.take(collecting, chats, 2, 0.2)])
    assert taken.cpu / 2 < taken.collector <= taken.cpu * 1.1


def test_loads_on_both_loops_and_in_several_processes(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "MANY", 60)
    monkeypatch.setattr(turns, "CHATS", 40)
    fill(url, long=200)
    contenders = dict.fromkeys(turns.LOOPS, ("ours", "raw", "generated"))
    results = load.measure(url, rounds=1, seconds=0.1, contenders=contenders)
    assert len(results) == 6
    assert {loads.errors for loads in results.values()} == {0}
    page = load.page(results)
    assert page.count("| uvloop |") == 6 + 1
    processes = workers.measure(url, rounds=1, seconds=0.1, connections=8)
    assert [load.errors for [load] in processes.values()] == [0, 0]
    assert workers.page(processes).count("\n| dal |") == 1


def test_a_profile_has_all_of_a_turns_time(url: str) -> None:
    fill(url, long=200)
    profiles = profile.measure(url, seconds=0.2)
    for (contender, _), shares in profiles.items():
        assert shares["calls"] > 100
        assert sum(shares.values()) - shares["calls"] == pytest.approx(100)
        assert (shares.get("dal's pool", 0) > 2) == (contender == "ours")
        assert shares["asyncpg's sending of statements"] > 2
    page = profile.page(profiles)
    assert "| dictionaries to records: Pydantic |" in page
    assert page.count("uvloop |") == 2
