"""Many tasks at once on few connections, on both event loops, and in several processes."""

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, closing
from dataclasses import dataclass, field
from itertools import cycle
from typing import Self, TypeAlias
from uuid import UUID

import uvloop

from tests.benchmarks.contender import Contender
from tests.benchmarks.data import Scratch
from tests.benchmarks.steps import Each
from tests.benchmarks.works import BATCH

FEW, MANY = 30, 1000
CHATS, WINDOW = 300, 20  # conversations, and the messages that each has at the start
LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
Pool: TypeAlias = Callable[[str], AbstractAsyncContextManager[Contender]]
_INTRODUCTION = f"""\
## Under load

Chat turns by {FEW} tasks at once and by {MANY:,}, in {CHATS} conversations by turns, which have
{WINDOW} messages at the start, on at most 30 connections, for the same time; a turn that has begun
is finished. Times are those of a
turn, its wait for connections included. CPU is that of the client's process, with the benchmark's
own loop. SQLAlchemy keeps 10 connections and opens 20 more for a moment, as the repositories'
services set it.

| | loop | tasks | turns a second | CPU a turn, µs | p50, ms | p95, ms | p99, ms | errors |
|---|---|--:|--:|--:|--:|--:|--:|--:|
"""
_RATIOS = """
| dal : asyncpg's `Pool.fetch`, medians of the rounds' ratios | asyncio | uvloop |
|---|--:|--:|
"""


@dataclass(frozen=True)
class Turns:
    """The turns that a process took: the ms of each, and the seconds and CPU seconds of all."""

    milliseconds: list[float]
    seconds: float
    cpu: float
    errors: int


@dataclass(frozen=True)
class Load:
    """What came of a number of tasks, each of which takes one chat turn after another.

    Attributes:
        rate: turns a second.
        cpu: µs of the process's time a turn.
        percentiles: ms that a turn took, its wait for a connection included: p50, p95, p99.
        errors: turns that failed.
    """

    rate: float
    cpu: float
    percentiles: tuple[float, float, float]
    errors: int

    @classmethod
    def of(cls, processes: Sequence[Turns]) -> Self:
        """The figures of processes that took turns at the same time."""
        milliseconds = [each for process in processes for each in process.milliseconds]
        cuts = statistics.quantiles(milliseconds, n=100)
        return cls(
            len(milliseconds) / max(process.seconds for process in processes),
            sum(process.cpu for process in processes) * 1e6 / len(milliseconds),
            (cuts[49], cuts[94], cuts[98]),
            sum(process.errors for process in processes),
        )


@dataclass(frozen=True)
class Loads:
    """The rounds with few tasks and with many."""

    few: list[Load] = field(default_factory=list)
    many: list[Load] = field(default_factory=list)

    @property
    def kept(self) -> float:
        """The part of the throughput that is left with many: the median of the rounds' ratios."""
        pairs = zip(self.many, self.few, strict=True)
        return statistics.median(many.rate / few.rate for many, few in pairs)

    @property
    def errors(self) -> int:
        return sum(load.errors for load in self.few + self.many)


Results: TypeAlias = dict[tuple[str, str], Loads]
"""By loop and contender."""


def measure(
    pools: Mapping[str, Sequence[Pool]],
    url: str,
    *,
    rounds: int = 4,
    seconds: float = 3,
    each: Each[tuple[int, str]] = iter,
) -> Results:
    """Take turns for so long, with few tasks at once and with many.

    Parameters:
        pools: what is measured on each of the loops.
        url: the database.
    """
    results: Results = {}
    # The loops take turns as well: a machine is not equally busy all the time.
    for number, loop in each([(number, loop) for number in range(rounds) for loop in pools]):
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            measured = runner.run(_round(pools[loop], url, number, seconds))
        for name, (few, many) in measured.items():
            loads = results.setdefault((loop, name), Loads())
            loads.few.append(few)
            loads.many.append(many)
    return results


async def _round(
    pools: Sequence[Pool], url: str, number: int, seconds: float
) -> dict[str, tuple[Load, Load]]:
    results = {}
    async with AsyncExitStack() as stack:
        contenders = [await stack.enter_async_context(pool(url)) for pool in pools]
        # Whoever comes second has it easier, or harder.
        for contender in contenders[:: -1 if number % 2 else 1]:
            with closing(Scratch(url)) as scratch:
                chats = scratch.conversations(CHATS)
                await begin(contender, chats)
                order = [FEW, MANY] if number % 2 else [MANY, FEW]
                loads = {
                    tasks: Load.of([await turns(contender, chats, tasks, seconds)])
                    for tasks in order
                }
            results[contender.name] = (loads[FEW], loads[MANY])
    return results


async def begin(contender: Contender, chats: Sequence[UUID]) -> None:
    """Fill the conversations with a window's messages, and open every connection."""
    await asyncio.gather(*(contender.append_many(chat, BATCH[:WINDOW]) for chat in chats))
    await asyncio.gather(*(contender.turn(chat, BATCH[0], BATCH[1]) for chat in chats))


async def turns(contender: Contender, chats: Sequence[UUID], tasks: int, seconds: float) -> Turns:
    """Take turns for so long."""
    milliseconds: list[float] = []
    errors = 0
    following = cycle(chats)

    async def talk() -> None:
        nonlocal errors
        end = start
        while end < start + seconds:
            before = end
            try:
                await contender.turn(next(following), BATCH[0], BATCH[1])
            except Exception:  # noqa: BLE001 - counted, whatever it is
                errors += 1
            end = time.perf_counter()
            milliseconds.append((end - before) * 1e3)

    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(talk() for _ in range(tasks)))
    return Turns(milliseconds, time.perf_counter() - start, time.process_time() - cpu, errors)


def over(results: Results, figure: Callable[[Load], float], loop: str, *, many: bool) -> float:
    """dal's figure through that of `Pool.fetch`: the median of the rounds' ratios."""
    ours, theirs = (results[loop, name] for name in ("dal", "asyncpg, Pool.fetch"))
    pairs = zip(*(loads.many if many else loads.few for loads in (ours, theirs)), strict=True)
    return statistics.median(figure(own) / figure(other) for own, other in pairs)


def page(results: Results) -> str:
    """Its section of the page."""
    lines = [
        f"| {name} | {loop} | {tasks:,} | {figures(rounds)}"
        for (loop, name), loads in results.items()
        for tasks, rounds in ((FEW, loads.few), (MANY, loads.many))
    ]
    return _INTRODUCTION + "".join(lines) + _ratios(results)


def figures(rounds: Sequence[Load]) -> str:
    """The medians of some rounds, as the end of a table's row."""
    rate = statistics.median(load.rate for load in rounds)
    cpu = statistics.median(load.cpu for load in rounds)
    times = zip(*(load.percentiles for load in rounds), strict=True)
    p50, p95, p99 = (f"{statistics.median(percentile):,.1f}" for percentile in times)
    errors = sum(load.errors for load in rounds)
    return f"{rate:,.0f} | {cpu:,.0f} | {p50} | {p95} | {p99} | {errors} |\n"


def _ratios(results: Results) -> str:
    ratios: list[tuple[str, Callable[[Load], float], bool]] = [
        (f"CPU a turn, {FEW} tasks", lambda load: load.cpu, False),
        (f"CPU a turn, {MANY:,} tasks", lambda load: load.cpu, True),
        (f"turns a second, {FEW} tasks", lambda load: load.rate, False),
        (f"turns a second, {MANY:,} tasks", lambda load: load.rate, True),
        (f"p95, {FEW} tasks", lambda load: load.percentiles[1], False),
        (f"p99, {FEW} tasks", lambda load: load.percentiles[2], False),
        (f"p95, {MANY:,} tasks", lambda load: load.percentiles[1], True),
    ]
    return _RATIOS + "".join(
        f"| {title} |"
        + "".join(f" {over(results, figure, loop, many=many):.2f} |" for loop in LOOPS)
        + "\n"
        for title, figure, many in ratios
    )
