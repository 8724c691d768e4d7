"""Every contender's time for every work, in interleaved rounds."""

import random
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from tests.benchmarks.contender import Contender, Place, Said
from tests.benchmarks.contenders import pgbench
from tests.benchmarks.data import SHORT, Scratch
from tests.benchmarks.steps import Each
from tests.benchmarks.works import BATCH, LIST, TURN, WORKS, Work, able


@dataclass(frozen=True)
class Times:
    """The mean times of a contender's calls, in µs, a number for each round."""

    rounds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def spread(self) -> float:
        """Half of the distance between the quartiles, as a part of the median."""
        first, _, third = statistics.quantiles(self.rounds, n=4)
        return (third - first) / 2 / self.median

    def over(self, other: "Times") -> float:
        """How many times as long as the other: the median of the rounds' own ratios."""
        return statistics.median(a / b for a, b in zip(self.rounds, other.rounds, strict=True))


_INTRODUCTION = """\
## Speed

One call after another, in interleaved rounds: the median of the rounds' means in µs; ± is half the
interquartile range, relative to that median. Before anything is measured, every library runs every
task once, and what they read and store is compared.

- dal and asyncpg run the same SQL files on the same tables; SQLModel works on these tables too.
- *SQLModel* is written as repository classes are: a session for each call; add, commit, refresh;
  an append is the message and then its conversation's timestamp, which is read, set, committed and
  refreshed. A batch is not refreshed. Its deep page is by time, not by OFFSET.
- *SQLAlchemySession* (OpenAI Agents SDK) and *PostgresChatMessageHistory* (langchain-postgres) have
  tables of their own with the same messages. The former keeps one object for each conversation; one
  for each call would take twice as long. The latter has one connection in autocommit, keeps no
  recency, and always reads the whole conversation.
- *pgbench* sends the same files' statements without any client's work: the server's floor. It has
  no batches and no turns, and makes an append's id with a function.
- `-`: there is no means for it, short of reading everything.
"""

Table = Mapping[tuple[str, Work], Times]
"""Times by a contender's name and a work."""


async def measure(
    contenders: Sequence[Contender],
    program: Path,
    url: str,
    direct: str,
    place: Place,
    *,
    rounds: int = 11,
    calls: int = 20,
    each: Each[int] = iter,
) -> Table:
    """Do all works with all contenders.

    Parameters:
        contenders: connected already.
        program: pgbench, which connects to `url`.
        direct: the server's address without added latency, for what is not measured.
        place: deep in the long conversation.
        rounds: of all of it.
        calls: of each work in a round, one after another.
        each: told of each round.
    """
    table: dict[tuple[str, Work], Times] = {}
    for turn in each(range(rounds)):
        with closing(Scratch(direct)) as scratch:
            for work in WORKS:
                # Nobody is always the first, or always after the same; every run is alike.
                order = random.Random(f"{turn} {work.title}")
                for contender in order.sample(contenders, len(contenders)):
                    if able(contender, work):
                        times = table.setdefault((contender.name, work), Times())
                        times.rounds.append(
                            await _microseconds(contender, work, scratch, place, calls)
                        )
                if work in pgbench.WORKS:
                    times = table.setdefault((pgbench.NAME, work), Times())
                    to = _target(work, scratch)
                    times.rounds.append(
                        pgbench.microseconds(program, url, work, to, place, 10 * calls)
                    )
    return table


async def _microseconds(
    contender: Contender, work: Work, scratch: Scratch, place: Place, calls: int
) -> float:
    to = _target(work, scratch)
    await work.run(contender, to, place)  # warm, and some make a row for a conversation first
    start = time.perf_counter()
    for _ in range(calls):
        await work.run(contender, to, place)
    return (time.perf_counter() - start) / calls * 1e6


def _target(work: Work, scratch: Scratch) -> UUID:
    return scratch.conversations(1)[0] if work.writes else SHORT


async def agree(contenders: Sequence[Contender], direct: str, place: Place) -> None:
    """Let every contender do every work once, and compare what it gave and what it stored.

    Raises:
        AssertionError: some of it was not the same.
    """
    with closing(Scratch(direct)) as scratch:
        for work in WORKS:
            outcomes = {
                contender.name: await _outcome(contender, work, scratch, place)
                for contender in contenders
                if able(contender, work)
            }
            first = next(iter(outcomes.values()))
            assert len(first) == work.rows, f"{work.title}: {len(first)} rows"
            for name, outcome in outcomes.items():
                assert outcome == first, f"{work.title}: {name} gives something else"


async def _outcome(
    contender: Contender, work: Work, scratch: Scratch, place: Place
) -> Sequence[object]:
    to = _target(work, scratch)
    result = await work.run(contender, to, place)
    if work is TURN:
        assert contender.messages(result) == BATCH[:1], f"{contender.name}: another window"
    if work.writes:
        stored: list[Said] = contender.messages(await contender.last(to, 1000))
        assert stored == BATCH[: work.rows], f"{contender.name}: {work.title} stored other messages"
        if able(contender, LIST):
            first = contender.ids(await contender.conversations(1))
            assert first == [to], f"{contender.name}: {work.title} left the recency as it was"
        return stored
    return contender.ids(result) if work is LIST else contender.messages(result)


COLUMNS = [
    "dal",
    "dal, held connection",
    "asyncpg, held connection",
    "asyncpg, Pool.fetch",
    "asyncpg, as sqlc generates",
    "SQLModel",
    "SQLAlchemySession",
    "PostgresChatMessageHistory",
    pgbench.NAME,
]


def page(tables: Mapping[int, Table]) -> str:
    """Its section of the page, from the tables by added latency in ms."""
    return "\n".join([_INTRODUCTION, *(_section(*table) for table in tables.items())])


def _section(latency: int, table: Table) -> str:
    names = sorted({name for name, _ in table}, key=COLUMNS.index)
    lines = [
        f"### {latency} ms added\n",
        f"| µs | {' | '.join(names)} |",
        f"|---|{'--:|' * len(names)}",
    ]
    for work in WORKS:
        cells = [_cell(table.get((name, work))) for name in names]
        lines.append(f"| {work.title} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(times: Times | None) -> str:
    return f"{times.median:,.0f} ±{times.spread:.0%}" if times else "-"
