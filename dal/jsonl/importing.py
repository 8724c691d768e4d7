"""Imports lines as rows."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias
from uuid import UUID

import asyncpg

from dal.cluster import is_distributed
from dal.database import Database
from dal.database.failures import translated
from dal.database.transaction import begin
from dal.errors import InvalidInputError
from dal.jsonl.batch import Item, write
from dal.jsonl.lines import ConversationLine, Line, TaskLine, is_blank, parse
from dal.jsonl.spool import Spool
from dal.jsonl.values import BadLine

# A batch is written before it grows beyond one of these, so that memory stays bounded.
_BATCH_BYTES = 2**20
_BATCH_LINES = 2000

# An import's plans are made once, although the tables grow meanwhile: the plan of a foreign key,
# made on a table that was analysed while empty, would read the whole table for each new row.
_SETTINGS = (
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL jit = off",  # before PostgreSQL 18, a plan that needs a seqscan would be compiled
    "SET LOCAL plan_cache_mode = auto",  # new_connection.sql would plan each row's foreign keys
    "DISCARD PLANS",  # those that this connection has made before
)

Reject: TypeAlias = Callable[[int, bytes, str], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """The progress of an import.

    Attributes:
        lines: lines read, without blank ones.
        rejected: lines that were bad.
        users: users made.
        conversations: conversations made.
        messages: messages made.
        tasks: tasks made.
        known_conversations: conversations that existed. One that goes on in the next line counts
            once, and again if other lines come between.
        known_messages: messages that were there already.
        known_tasks: tasks that were there already.
    """

    lines: int = 0
    rejected: int = 0
    users: int = 0
    conversations: int = 0
    messages: int = 0
    tasks: int = 0
    known_conversations: int = 0
    known_messages: int = 0
    known_tasks: int = 0


async def import_lines(
    db: Database,
    lines: AsyncIterable[bytes] | Iterable[bytes],
    *,
    user_id: str | None = None,
    reject: Reject | None = None,
    progress: Callable[[Summary], None] | None = None,
) -> Summary:
    """Write conversations and tasks, in one transaction; dal.jsonl.lines shows the format.

    Given ids and times are kept; missing ids, times and users are created. A row that is
    stored already with the same id and content is left as it is, so an import can be repeated. The
    status and times of a conversation or a task are compared only where they are given. A
    conversation's `updated_at` only moves forward, to the latest of the stored one, the given one
    and its last message.

    All lines are read before the first is written, into a temporary file unless they are a
    sequence. Conversations that exist are then locked until the end, as by an append: chats in
    them wait.

    Parameters:
        db: the database.
        lines: one JSON object each, as `read_lines` yields; blank ones are skipped. An iterable
            that is not a sequence is read in threads, so that it may block.
        user_id: the owner for lines that name none; a line that names another one is bad.
        reject: called for each bad line with its number, the line and the reason. The good lines
            are stored then. What it was called with is final only if the import ends without error.
        progress: called after each batch.

    Raises:
        InvalidInputError: a line is bad, and there is no `reject`; says which line and why.
            Nothing is stored.
        TransactionConflictError: another transaction got in the way. Nothing is stored.
        SchemaMismatchError: a trigger or a rule of a table keeps rows out, or a stored row that
            has to be compared can't be read. Nothing is stored.
        DalError: the folder for temporary files is absent or full.
    """
    with closing(Spool()) as spool:
        readable = await _all_readable(lines, spool)
        return await store_lines(db, readable, user_id=user_id, reject=reject, progress=progress)


async def store_lines(
    db: Database,
    lines: Iterable[bytes],
    *,
    user_id: str | None,
    reject: Reject | None,
    progress: Callable[[Summary], None] | None,
) -> Summary:
    """Write lines from an iterable that must not block, because rows are locked meanwhile.

    Parameters and errors are those of `import_lines`.
    """
    async with db.acquire() as connection, begin(connection, isolation="read_committed") as tx:
        for setting in _SETTINGS:
            await translated(tx.execute, setting)
        run = _Import(connection, await is_distributed(tx), reject, progress)
        try:
            for number, raw in enumerate(lines, start=1):
                if not is_blank(raw):
                    await run.add(number, raw, user_id)
            await run.finish()
        finally:
            await run.stop()
    return run.summary


async def _all_readable(
    lines: AsyncIterable[bytes] | Iterable[bytes], spool: Spool
) -> Iterable[bytes]:
    """The lines, once all of them can be read without waiting."""
    if isinstance(lines, Sequence):
        return lines
    if isinstance(lines, AsyncIterable):
        async for line in lines:
            spool.add(line)
    else:
        source = iter(lines)
        while await asyncio.to_thread(_put_aside, source, spool):
            pass
    return spool


def _put_aside(lines: Iterator[bytes], spool: Spool) -> bool:
    """Put some lines aside: few, so that a cancelled import soon ends its thread."""
    some = 0
    for some, line in enumerate(islice(lines, 1000), start=1):  # noqa: B007 - it counts them
        spool.add(line)
    return some > 0


class _Import:
    """Gathers lines into batches."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        distributed: bool,
        reject: Reject | None,
        progress: Callable[[Summary], None] | None,
    ) -> None:
        self._connection, self._distributed = connection, distributed
        self._reject, self._progress = reject, progress
        self._counts: Counter[str] = Counter()
        self._writing: asyncio.Task[None] | None = None
        self._items: list[Item] = []
        self._bytes = 0
        self._ids: set[int] = set()
        self._conversation: tuple[str, UUID] | None = None

    @property
    def summary(self) -> Summary:
        return Summary(**self._counts)

    async def add(self, number: int, raw: bytes, user_id: str | None) -> None:
        """Add a line, writing the batch first if the line has no place in it."""
        if len(raw) > _BATCH_BYTES:
            await self.finish()  # a long line, several times its size when parsed, is alone
        try:
            item = Item(number, raw, parse(raw, user_id))
        except BadLine as bad:
            item = Item(number, raw, None, reason=str(bad))
        ids = _ids(item.line) if item.line else set[int]()
        full = len(self._items) == _BATCH_LINES or self._bytes + len(raw) > _BATCH_BYTES
        if full or not self._ids.isdisjoint(ids):
            await self._flush()
        conversation = (
            (item.line.user_id, item.line.id) if isinstance(item.line, ConversationLine) else None
        )
        item.continues_conversation = (
            conversation is not None and conversation == self._conversation
        )
        self._conversation = conversation
        self._items.append(item)
        self._bytes += len(raw)
        self._ids |= ids
        if len(self._items) % 2 == 0:
            await asyncio.sleep(0)  # parsing never waits; this lets the batch before go on

    async def finish(self) -> None:
        """Write what is left."""
        await self._flush()
        await self._written()

    async def stop(self) -> None:
        """Write nothing more."""
        if self._writing:
            self._writing.cancel()
            await asyncio.wait([self._writing])

    async def _flush(self) -> None:
        # One batch is written while the next one is read and parsed.
        await self._written()
        self._writing = asyncio.create_task(self._write(self._items))
        self._items, self._bytes, self._ids = [], 0, set()

    async def _written(self) -> None:
        if self._writing:
            await self._writing

    async def _write(self, items: list[Item]) -> None:
        self._counts += await write(self._connection, items, self._distributed)
        self._counts["lines"] += len(items)
        for item in items:
            if item.reason is None:
                continue
            if self._reject is None:
                raise InvalidInputError(f"line {item.number}: {item.reason}")
            self._reject(item.number, item.raw, item.reason)
            self._counts["rejected"] += 1
        if self._progress:
            self._progress(self.summary)


def _ids(line: Line) -> set[int]:
    """The ids that no other line of a batch may have; as numbers, whose hash is cheap."""
    if isinstance(line, TaskLine):
        return {line.task.id.int} if line.task.id else set()
    return {line.id.int, *[message.id.int for message in line.messages if message.id]}
