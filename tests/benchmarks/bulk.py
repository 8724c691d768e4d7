"""An import of JSON lines against a bare COPY of the same rows into the same tables."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

import dal
from dal.jsonl import import_lines, read_lines
from tests.benchmarks.steps import Each

_TABLES = ["users", "conversations", "messages"]
_EMPTY = "TRUNCATE users CASCADE"
_SPEECH = "Put milk and bread on the list for tomorrow, please. "


@dataclass(frozen=True)
class Bulk:
    """Seconds of each round.

    Attributes:
        messages: how many there were.
        size: bytes of the file.
    """

    messages: int
    size: int
    imported: list[float]
    copied: list[float]

    @property
    def rate(self) -> float:
        """The import's rate as a part of COPY's: the median of the rounds' ratios."""
        pairs = zip(self.copied, self.imported, strict=True)
        return statistics.median(copied / imported for copied, imported in pairs)


def measure(url: str, *, rounds: int = 5, chats: int = 2000, each: Each[int] = iter) -> Bulk:
    """Import and copy in turns.

    Parameters:
        url: a migrated database, whose rows are removed.
        chats: conversations of 70 messages.
    """
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(url, Path(folder), each(range(rounds)), chats))


async def _measured(url: str, folder: Path, rounds: Iterable[int], chats: int) -> Bulk:
    file = folder / "chats.jsonl"
    _write(file, chats)
    connection = await asyncpg.connect(url)
    async with dal.connect(url) as db:
        bulk = Bulk(70 * chats, file.stat().st_size, [], [])
        for _ in rounds:
            await connection.execute(_EMPTY)
            bulk.imported.append(await _import(db, file))
            assert await connection.fetchval("SELECT count(*) FROM messages") == bulk.messages
            rows = {table: folder / table for table in _TABLES}
            for table, copy in rows.items():
                await connection.copy_from_table(table, output=copy)
            await connection.execute(_EMPTY)
            bulk.copied.append(await _copy(connection, rows))
            assert await connection.fetchval("SELECT count(*) FROM messages") == bulk.messages
    await connection.close()
    return bulk


async def _import(db: dal.Database, file: Path) -> float:
    start = time.perf_counter()
    with file.open("rb") as lines:
        await import_lines(db, read_lines(lines))
    return time.perf_counter() - start


async def _copy(connection: Any, rows: dict[str, Path]) -> float:
    start = time.perf_counter()
    for table, copy in rows.items():
        await connection.copy_to_table(table, source=copy)
    return time.perf_counter() - start


def _write(file: Path, chats: int) -> None:
    with file.open("w") as lines:
        for chat in range(chats):
            messages = [
                {"role": "assistant" if n % 2 else "user", "content": _SPEECH * (1 + n % 5)}
                | ({"metadata": {"tool": "add_task", "n": n}} if n % 7 == 0 else {})
                for n in range(70)
            ]
            print(json.dumps({"user_id": f"user {chat % 500}", "messages": messages}), file=lines)


def page(bulk: Bulk) -> str:
    """Its section of the page."""
    imported, copied = (statistics.median(times) for times in (bulk.imported, bulk.copied))
    return f"""\
## Import

{bulk.messages:,} messages without ids in {bulk.size / 1e6:.0f} MB of JSON lines, against a bare
COPY of the same rows, ready-made, into the same tables with the same indexes.

| | s | messages a second |
|---|--:|--:|
| `dal.jsonl.import_lines` | {imported:.2f} | {bulk.messages / imported:,.0f} |
| COPY | {copied:.2f} | {bulk.messages / copied:,.0f} |
"""
