"""Archiving, purging and erasing in a large database, and the appends beside them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dal
from dal import messages
from dal.maintenance import Progress, archive_stale, erase_user, purge_archived
from tests.benchmarks.steps import Each

_FILL = """
    INSERT INTO users (id) SELECT 'user ' || n FROM generate_series(0, 99) AS n
    UNION ALL VALUES ('talker');

    INSERT INTO conversations (id, user_id, created_at, updated_at)
    SELECT md5('chat ' || n)::uuid, 'user ' || n % 100, made, made
    FROM generate_series(1, {chats}) AS n,
        LATERAL (SELECT now() - n % 200 * interval '1 day' AS made) AS clock
    UNION ALL
    SELECT md5('talk ' || n)::uuid, 'talker', now(), now()
    FROM generate_series(1, {chats} / 4) AS n;

    INSERT INTO messages (user_id, conversation_id, role, content, created_at)
    SELECT user_id, c.id, 'assistant', repeat('x', 200), updated_at
    FROM conversations AS c, generate_series(1, 32);
"""
_WAL = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"
_PAGE = """\
## Upkeep

Conversations of 32 messages; two million of these at first. Beside each run, appends to another
conversation, one after the other, with their median, p99 and worst time; "alone" is a second of
them without a run.

| run | conversations | seconds | longest batch (ms) | WAL (MB) | appends (ms) |
|---|--:|--:|--:|--:|--:|
{rows}
"""
Run = Callable[[dal.Database], AsyncIterator[Progress]]


@dataclass(frozen=True)
class Measured:
    """A run, and the seconds that each append beside it took."""

    name: str
    conversations: int
    seconds: float
    longest: float
    wal: int
    appends: list[float]


def measure(url: str, chats: int = 50_000, each: Each[str] = iter) -> list[Measured]:
    """Fill an empty, migrated database, and measure each run once."""
    return asyncio.run(_measure(url, chats, each))


def page(measured: list[Measured]) -> str:
    """The page's section."""
    rows = "\n".join(
        f"| {run.name} | {run.conversations:,} | {run.seconds:.1f} | {run.longest * 1000:.0f}"
        f" | {run.wal / 2**20:.0f} | {_at(run.appends, 0.5):.1f}, {_at(run.appends, 0.99):.1f},"
        f" {_at(run.appends, 1):.1f} |"
        for run in measured
    )
    return _PAGE.format(rows=rows)


def _at(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


async def _measure(url: str, chats: int, each: Each[str]) -> list[Measured]:
    async with dal.connect(url, min_size=2, command_timeout=600) as db:
        async with db.acquire() as connection:
            await connection.execute(_FILL.format(chats=chats))
            await connection.execute("VACUUM ANALYZE")
        await dal.users.ensure(db, user_id="beside")
        chat = await dal.conversations.create(db, user_id="beside")
        runs: dict[str, Run] = {
            "alone": _wait,
            "archive, by 500": lambda db: archive_stale(db, older_than=timedelta(days=120)),
            "purge, by 100": lambda db: purge_archived(db, older_than=timedelta(0)),
            "erase a user, by 20": lambda db: erase_user(db, user_id="talker"),
        }
        return [await _run(db, chat, name, runs[name]) for name in each(runs)]


async def _wait(_: dal.Database) -> AsyncIterator[Progress]:
    await asyncio.sleep(1)
    yield Progress(finished=True)


async def _run(db: dal.Database, chat: dal.Conversation, name: str, start: Run) -> Measured:
    appends: list[float] = []
    ended = False

    async def append() -> None:
        own: dict[str, Any] = {"user_id": chat.user_id, "conversation_id": chat.id}
        while not ended:
            begun = time.perf_counter()
            await messages.create(db, **own, role="user", content="Still here")
            appends.append(time.perf_counter() - begun)

    appending = asyncio.create_task(append())
    await asyncio.sleep(0.1)
    [[before]] = await db.fetch(_WAL)
    begun = last = time.perf_counter()
    conversations, longest = 0, 0.0
    async for progress in start(db):
        conversations = progress.conversations
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    seconds = time.perf_counter() - begun
    [[after]] = await db.fetch(_WAL)
    ended = True
    await appending
    return Measured(name, conversations, seconds, longest, after - before, appends)
