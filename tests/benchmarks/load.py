"""Few tasks and many tasks at once on few connections, on both event loops."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.benchmarks import turns
from tests.benchmarks.steps import Each
from tests.benchmarks.turns import CHATS, LOOPS, WINDOW, Load

FEW, MANY = 30, 1000
NAMES = {
    "ours": "dal",
    "raw": "asyncpg, Pool.fetch",
    "generated": "asyncpg, as sqlc generates",
    "repositories": "SQLModel",
    "agents_sdk": "SQLAlchemySession",
}
CONTENDERS: Mapping[str, Sequence[str]] = {
    "asyncio": [*NAMES],
    "uvloop": ["ours", "raw", "generated"],
}
_INTRODUCTION = f"""\
## Under load

Chat turns by {FEW} tasks at once and by {MANY:,}, in {CHATS} conversations by turns, which have
{WINDOW} messages at the start, on at most 30 connections, for the same time; a turn that has begun
is finished. Times are those of a turn, its wait for connections included. CPU is that of the
client's process, which has nothing else to do; the garbage collector's part of it stands beside it.
SQLAlchemy keeps 10 connections and opens 20 more for a moment, as the repositories' services set
it.

| | loop | tasks | turns a second | CPU a turn, µs | of it the collector \
| p50, ms | p95, ms | p99, ms | errors |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|
"""
_RATIOS = """
| dal : asyncpg's `Pool.fetch`, medians of the rounds' ratios | asyncio | uvloop |
|---|--:|--:|
"""


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
    url: str,
    *,
    rounds: int = 4,
    seconds: float = 3,
    contenders: Mapping[str, Sequence[str]] = CONTENDERS,
    each: Each[tuple[int, str]] = iter,
) -> Results:
    """Take turns for so long, with few tasks at once and with many.

    Parameters:
        url: the database.
        contenders: what is measured on each of the loops.
    """
    results: Results = {}
    # The loops take turns as well: a machine is not equally busy all the time.
    for number, loop in each([(number, loop) for number in range(rounds) for loop in contenders]):
        # Whoever comes second has it easier, or harder.
        for contender in contenders[loop][:: -1 if number % 2 else 1]:
            loads = results.setdefault((loop, contender), Loads())
            order = [(FEW, loads.few), (MANY, loads.many)]
            for tasks, measured in order[:: -1 if number % 2 else 1]:
                measured.append(
                    turns.measure(url, contender, loop=loop, tasks=tasks, seconds=seconds)
                )
    return results


def over(results: Results, figure: Callable[[Load], float], loop: str, *, many: bool) -> float:
    """dal's figure through that of `Pool.fetch`: the median of the rounds' ratios."""
    ours, theirs = (results[loop, name] for name in ("ours", "raw"))
    pairs = zip(*(loads.many if many else loads.few for loads in (ours, theirs)), strict=True)
    return statistics.median(figure(own) / figure(other) for own, other in pairs)


def page(results: Results) -> str:
    """Its section of the page."""
    lines = [
        f"| {NAMES[name]} | {loop} | {tasks:,} | {figures(rounds)}"
        for (loop, name), loads in sorted(results.items(), key=_place)
        for tasks, rounds in ((FEW, loads.few), (MANY, loads.many))
    ]
    return _INTRODUCTION + "".join(lines) + _ratios(results)


def _place(result: tuple[tuple[str, str], Loads]) -> tuple[int, int]:
    (loop, name), _ = result
    return [*LOOPS].index(loop), [*NAMES].index(name)


def figures(rounds: Sequence[Load]) -> str:
    """The medians of some rounds, as the end of a table's row."""
    rate = statistics.median(load.rate for load in rounds)
    cpu = statistics.median(load.cpu for load in rounds)
    collector = statistics.median(load.collector for load in rounds)
    times = zip(*(load.percentiles for load in rounds), strict=True)
    p50, p95, p99 = (f"{statistics.median(percentile):,.1f}" for percentile in times)
    errors = sum(load.errors for load in rounds)
    return f"{rate:,.0f} | {cpu:,.0f} | {collector:,.0f} | {p50} | {p95} | {p99} | {errors} |\n"


def _ratios(results: Results) -> str:
    ratios: list[tuple[str, Callable[[Load], float], bool]] = [
        (f"CPU a turn, {FEW} tasks", lambda load: load.cpu, False),
        (f"CPU a turn, {MANY:,} tasks", lambda load: load.cpu, True),
        ("the same without the collector", lambda load: load.cpu - load.collector, True),
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
