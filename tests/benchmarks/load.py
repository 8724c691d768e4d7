"""Many tasks at once on few connections."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle
from uuid import UUID

from tests.benchmarks.contender import Contender
from tests.benchmarks.data import Scratch
from tests.benchmarks.steps import Each
from tests.benchmarks.works import BATCH

FEW, MANY = 30, 1000
_INTRODUCTION = f"""\
## Under load

Chat turns by {FEW} tasks at once and by {MANY:,}, in {2 * MANY:,} conversations by turns, on at
most 30 connections, for the same time; a turn that has begun is finished. Times are those of a
turn, its wait for connections included. SQLAlchemy keeps 10 connections and opens 20 more for a
moment, as the repositories' services set it.

| | tasks | turns a second | p50, ms | p95, ms | p99, ms | errors |
|---|--:|--:|--:|--:|--:|--:|
"""


@dataclass(frozen=True)
class Load:
    """What came of a number of tasks, each of which takes one chat turn after another.

    Attributes:
        rate: turns a second.
        percentiles: ms that a turn took, its wait for a connection included: p50, p95, p99.
        errors: turns that failed.
    """

    rate: float
    percentiles: tuple[float, float, float]
    errors: int


@dataclass(frozen=True)
class Loads:
    """The rounds with few tasks and with many."""

    few: list[Load]
    many: list[Load]

    @property
    def kept(self) -> float:
        """The part of the throughput that is left with many: the median of the rounds' ratios."""
        pairs = zip(self.many, self.few, strict=True)
        return statistics.median(many.rate / few.rate for many, few in pairs)

    @property
    def errors(self) -> int:
        return sum(load.errors for load in self.few + self.many)


async def measure(
    contenders: Sequence[Contender],
    direct: str,
    *,
    rounds: int = 4,
    seconds: float = 3,
    each: Each[int] = iter,
) -> dict[str, Loads]:
    """Take turns for so long, with few tasks at once and with many."""
    results = {contender.name: Loads([], []) for contender in contenders}
    for number in each(range(rounds)):
        for contender in contenders:
            loads = results[contender.name]
            await _run(contender, direct, FEW, seconds / 10)  # every connection warm
            # Whoever comes second has it easier, or harder.
            for tasks in [FEW, MANY] if number % 2 else [MANY, FEW]:
                load = await _run(contender, direct, tasks, seconds)
                (loads.few if tasks == FEW else loads.many).append(load)
    return results


async def _run(contender: Contender, direct: str, tasks: int, seconds: float) -> Load:
    milliseconds: list[float] = []
    errors = 0

    async def talk(chats: Iterator[UUID]) -> None:
        nonlocal errors
        end = begin
        while end < begin + seconds:
            start = end
            try:
                await contender.turn(next(chats), BATCH[0], BATCH[1])
            except Exception:  # noqa: BLE001 - counted, whatever it is
                errors += 1
            end = time.perf_counter()
            milliseconds.append((end - start) * 1e3)

    with closing(Scratch(direct)) as scratch:
        chats = cycle(scratch.conversations(2 * MANY))
        begin = time.perf_counter()
        await asyncio.gather(*(talk(chats) for _ in range(tasks)))
        rate = len(milliseconds) / (time.perf_counter() - begin)
    cuts = statistics.quantiles(milliseconds, n=100)
    return Load(rate, (cuts[49], cuts[94], cuts[98]), errors)


def page(results: dict[str, Loads]) -> str:
    """Its section of the page."""
    lines = []
    for name, loads in results.items():
        for tasks, rounds in ((FEW, loads.few), (MANY, loads.many)):
            rate = statistics.median(load.rate for load in rounds)
            times = zip(*(load.percentiles for load in rounds), strict=True)
            p50, p95, p99 = (f"{statistics.median(percentile):,.1f}" for percentile in times)
            errors = sum(load.errors for load in rounds)
            lines.append(
                f"| {name} | {tasks:,} | {rate:,.0f} | {p50} | {p95} | {p99} | {errors} |\n"
            )
    return _INTRODUCTION + "".join(lines)
