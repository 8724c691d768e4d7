"""What messages take on disk, what each index costs an append, and what appends leave behind."""

import asyncio
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

import dal
from dal import messages
from tests.benchmarks import churn
from tests.benchmarks.databases import fill_evenly, undone
from tests.benchmarks.steps import Each

_LENGTH = "SELECT avg(char_length(content))::float FROM messages"
_SIZES = """
    SELECT relname::text, pg_relation_size(oid)
    FROM pg_class
    WHERE oid = 'messages'::regclass
        OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'messages'::regclass)
    ORDER BY relkind DESC, relname
"""
_CHATS = "SELECT user_id, id AS conversation_id FROM conversations ORDER BY id"
_KEY, _TWIN = "messages_pkey", "twin_of_messages_pkey"
_MAKE_TWIN = f"CREATE UNIQUE INDEX {_TWIN} ON messages (user_id, id)"
_WAL = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"
_PAGE = """\
## Storage

{count:,} messages of {length:.0f} characters on average, appended in the order of time to many
conversations in turn; users' ids have 36 characters. The embedded server gives durability away
(`fsync`, `full_page_writes` and `synchronous_commit` are off): times lack the wait of a commit,
and the write-ahead log (WAL) lacks whole pages.

| after VACUUM | MB | bytes a message |
|---|--:|--:|
{sizes}

### What each index costs an append

An append with all indexes takes {micros:.0f} µs, client included, and {wal:.0f} bytes of WAL, both
without the commit. The same was done with one index dropped, in turns and undone; the primary key,
which the statement can't do without, was there a second time instead. Times are the median of
{rounds} rounds, with their interquartile range; WAL is that of the median append, which splits no
page.

| index | time with it, as a multiple of that without | WAL bytes that it adds |
|---|--:|--:|
{costs}

{churn}"""


@dataclass(frozen=True)
class Append:
    """An append in one state of the indexes: its median microseconds in each round, WAL bytes."""

    micros: list[float] = field(default_factory=list)
    wal: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Storage:
    """The figures.

    Attributes:
        count, length: of the messages, and the mean length of their content in characters.
        sizes: bytes of the table, then of each index.
        appends: with all indexes (""), and for each index without it, or with the key twice.
        busy, runs: how many conversations are appended to, and what that leaves behind.
    """

    count: int
    length: float
    sizes: dict[str, int]
    appends: dict[str, Append]
    busy: int
    runs: list[churn.Run]


def measure(
    url: str,
    *,
    count: int = 1_000_000,
    rounds: int = 20,
    batch: int = 200,
    appends: int = 100_000,
    busy: int = 100,
    others: Sequence[int] = (0, 20_000),
    each: Each[int] = iter,
) -> Storage:
    """Fill a migrated, empty database several times, and measure.

    Parameters:
        count: messages for the sizes.
        rounds, batch: how often, and with how many appends each time, an index is left out.
        appends, busy, others: how many appends to how many conversations, beside so many others.
    """
    runs = asyncio.run(churn.measured(url, appends, busy, each(others)))
    fill_evenly(url, count)
    return asyncio.run(_measured(url, count, each(range(rounds)), batch, busy, runs))


def page(storage: Storage) -> str:
    """The figures as a section in Markdown."""
    every = storage.appends[""]
    costs = []
    for name in storage.appends.keys() - {""}:
        more, less = every, storage.appends[name]
        if name == _KEY:
            more, less = less, more
        ratios = [a / b for a, b in zip(more.micros, less.micros, strict=True)]
        low, middle, high = statistics.quantiles(ratios, method="inclusive")
        wal = statistics.median(more.wal) - statistics.median(less.wal)
        costs.append(f"| {name} | {middle:.2f} ({low:.2f} to {high:.2f}) | {wal:.0f} |")
    return _PAGE.format(
        count=storage.count,
        length=storage.length,
        sizes="\n".join(
            f"| {name} | {size / 1e6:,.1f} | {size / storage.count:.0f} |"
            for name, size in storage.sizes.items()
        ),
        micros=statistics.median(every.micros),
        wal=statistics.median(every.wal),
        rounds=len(every.micros),
        costs="\n".join(sorted(costs)),
        churn=churn.page(storage.runs, storage.busy),
    )


async def _measured(
    url: str, count: int, rounds: Iterable[int], batch: int, busy: int, runs: list[churn.Run]
) -> Storage:
    async with dal.connect(url, min_size=1, command_timeout=600) as db:
        [[length]] = await db.fetch(_LENGTH)
        sizes = dict(await db.fetch(_SIZES))
        await db.execute(_MAKE_TWIN)
        appends = {name: Append() for name in ["", *sizes] if name != "messages"}
        chats = cycle(await db.fetch(_CHATS))
        for number in rounds:
            turn = number % len(appends)
            for name in [*appends, *appends][turn : turn + len(appends)]:
                dropped = {"": [_TWIN], _KEY: []}.get(name, [_TWIN, name])
                await _append(db, dropped, islice(chats, batch), appends[name])
    return Storage(count, length, sizes, appends, busy, runs)


async def _append(db: dal.Database, dropped: list[str], chats: Any, figures: Append) -> None:
    micros = []
    async with undone(db) as connection:
        for index in dropped:
            await connection.execute(f"DROP INDEX {index}")
        [[wal]] = await connection.fetch(_WAL)
        for chat in chats:
            start = time.perf_counter()
            await messages.create(connection, **chat, role="user", content="x" * 300)
            micros.append((time.perf_counter() - start) * 1e6)
            [[after]] = await connection.fetch(_WAL)
            figures.wal.append(after - wal)
            wal = after
    figures.micros.append(statistics.median(micros))
