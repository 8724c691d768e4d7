"""What appends leave behind in `conversations`, whose row each of them updates."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import dal
from dal import messages

_FILL = """
    TRUNCATE users CASCADE;
    ALTER TABLE conversations SET (fillfactor = {fillfactor});
    SELECT pg_stat_reset_single_table_counters('conversations'::regclass);
    INSERT INTO users (id) SELECT 'user ' || n FROM generate_series(1, {count}) AS n;
    INSERT INTO conversations (id, user_id)
    SELECT md5('chat ' || n)::uuid, 'user ' || n FROM generate_series(1, {count}) AS n;
"""
_VACUUM = "VACUUM ANALYZE conversations"
_BUSY = "SELECT user_id, id AS conversation_id FROM conversations ORDER BY id LIMIT $1"
_FLUSH = "SELECT pg_stat_force_next_flush()"  # else a backend may keep its counts for a while
_COUNTS = """
    SELECT pg_relation_size(relid) AS rows, pg_indexes_size(relid) AS indexes,
        n_dead_tup AS dead, n_tup_hot_upd AS hot, n_tup_upd AS updated, autovacuum_count AS vacuums
    FROM pg_stat_user_tables WHERE relid = 'conversations'::regclass
"""
_EMPTY = "TRUNCATE users CASCADE; ALTER TABLE conversations RESET (fillfactor)"
_STEPS, _WRITERS = 10, 8
_INTRODUCTION = f"""\
### What appends leave in `conversations`

Each append updates its conversation's row, and the old version stays until it is vacuumed. {{}}
conversations are appended to by {_WRITERS} tasks, as fast as they can, and nothing else goes on;
autovacuum is as it is by default, and looks at the table once a minute. What it frees is used
again, so that table and indexes level off at what is left between two of its visits. A run is
shorter than a minute and shows mostly the growth between two of them: what matters is the bytes
that an append leaves. Sizes in kB (1,024 bytes).
"""


@dataclass(frozen=True)
class Moment:
    """The table after so many appends: bytes of its rows and of its indexes, and counts."""

    appends: int
    rows: int
    indexes: int
    dead: int
    hot: int
    updated: int
    vacuums: int


@dataclass(frozen=True)
class Run:
    """Appends to a few of so many conversations, and what they left step by step."""

    conversations: int
    fillfactor: int
    seconds: float
    moments: list[Moment]


async def measured(url: str, appends: int, busy: int, others: Iterable[int]) -> list[Run]:
    """Append to busy conversations beside so many others, with and without room in the pages.

    The database is empty before and after.
    """
    async with dal.connect(url, min_size=_WRITERS, max_size=_WRITERS) as db:
        runs = [
            await _run(db, busy + beside, fillfactor, busy, appends)
            for beside in others
            for fillfactor in (100, 70)
        ]
        await db.execute(_EMPTY)
    return runs


def page(runs: list[Run], busy: int) -> str:
    """The runs as a section in Markdown."""
    parts = [_INTRODUCTION.format(busy)]
    for run in runs:
        rate = run.moments[-1].appends / run.seconds
        parts += [
            f"**{run.conversations:,} conversations, fillfactor {run.fillfactor}**"
            f" ({rate:,.0f} appends a second, {_left(run):,.0f} bytes left by each):\n",
            "| appends | table | its indexes | dead rows | HOT updates | autovacuums |",
            "|--:|--:|--:|--:|--:|--:|",
            *(
                f"| {at.appends:,} | {at.rows // 1024:,} | {at.indexes // 1024:,} | {at.dead:,}"
                f" | {at.hot / max(at.updated, 1):.0%} | {at.vacuums} |"
                for at in run.moments
            ),
            "",
        ]
    return "\n".join(parts)


def _left(run: Run) -> float:
    """Bytes by which an append makes the table and its indexes larger, until the first vacuum."""
    start, *others = run.moments
    last = [run for run in others if not run.vacuums or run is others[0]][-1]
    return (last.rows + last.indexes - start.rows - start.indexes) / last.appends


async def _run(
    db: dal.Database, conversations: int, fillfactor: int, busy: int, appends: int
) -> Run:
    await db.execute(_FILL.format(fillfactor=fillfactor, count=conversations))
    await db.execute(_VACUUM)
    chats = await db.fetch(_BUSY, busy)
    moments = [await _moment(db, 0)]
    start, step = time.perf_counter(), appends // _STEPS
    for number in range(1, _STEPS + 1):
        turns = islice(cycle(chats), step)
        await asyncio.gather(*(_append(db, turns) for _ in range(_WRITERS)))
        moments.append(await _moment(db, number * step))
    return Run(conversations, fillfactor, time.perf_counter() - start, moments)


async def _append(db: dal.Database, chats: Any) -> None:
    for chat in chats:
        await messages.create(db, **chat, role="user", content="Buy milk")


async def _moment(db: dal.Database, appends: int) -> Moment:
    async with AsyncExitStack() as stack:
        for _ in range(_WRITERS):  # each of the connections
            connection = await stack.enter_async_context(db.acquire())
            await connection.execute(_FLUSH)
    [counts] = await db.fetch(_COUNTS)
    return Moment(appends, **counts)
