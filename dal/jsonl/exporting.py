"""From rows to lines."""

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from pydantic_core import to_json

from dal import users
from dal.binding import Executor, query
from dal.conversations import Conversation
from dal.cursor import Cursor
from dal.database import Database
from dal.inputs import Limit, Place
from dal.jsonl import lines
from dal.jsonl.values import LINE_BYTES
from dal.record import Record
from dal.tasks import Task

# What is read at once, before it is written as JSON; a single message or task may be larger.
_BYTES = 2**20
_ROWS = 1000
_CONVERSATIONS = 100

_FULL_LINE = LINE_BYTES // 2


class _Owner(Record):
    id: str
    tasks: bool
    conversations: bool


class _Measured(Conversation):
    """A conversation, and how much its messages are."""

    messages: int
    bytes: int

    @property
    def cursor(self) -> Cursor:
        """Its place in the export, which unlike that in the list never moves."""
        return Cursor(self.created_at, self.id)


class _Message(Record):
    id: UUID
    conversation_id: UUID
    role: str
    content: str = Field(repr=False)
    metadata: str | None = Field(repr=False)  # JSON as PostgreSQL has it, to the last digit
    created_at: datetime

    @property
    def cursor(self) -> Cursor:
        """Its place in the conversation."""
        return Cursor(self.created_at, self.id)


@query("jsonl/export_users.sql")
async def _users(db: Executor, *, after: str, limit: Limit) -> list[_Owner]:
    raise NotImplementedError


@query("jsonl/export_tasks.sql")
async def _tasks(
    db: Executor, *, user_id: str, after: Place[Task], limit: Limit, bytes: int
) -> list[Task]:
    raise NotImplementedError


@query("jsonl/export_conversations.sql")
async def _conversations(
    db: Executor, *, user_id: str, after: Place[_Measured], limit: Limit, long: int
) -> list[_Measured]:
    raise NotImplementedError


@query("jsonl/export_messages.sql")
async def _messages(db: Executor, *, user_id: str, conversation_ids: list[UUID]) -> list[_Message]:
    raise NotImplementedError


@query("jsonl/export_long_conversation.sql")
async def _page(
    db: Executor,
    *,
    user_id: str,
    conversation_id: UUID,
    after: Place[_Message],
    limit: Limit,
    bytes: int,
) -> list[_Message]:
    raise NotImplementedError


async def export_lines(db: Database, *, user_id: str | None = None) -> AsyncGenerator[bytes, None]:
    """All conversations and tasks as lines with their line ends; dal.jsonl.lines shows the format.

    Users come in the order of their ids, byte by byte; of each user the tasks, oldest first, then
    the conversations, oldest first, with their messages in chronological order. The same rows
    give the same bytes. A user without tasks and conversations has no line.

    A long conversation goes on in further lines with the same id. Some rows make lines that
    `import_lines` refuses: a message larger than `LINE_BYTES` by itself, and what other writers
    stored against the rules, such as messages of one conversation with equal times.

    It reads one snapshot in one read-only transaction, which lasts until the last line is read:
    where lines may be left unread, close it with `contextlib.aclosing`.

    Parameters:
        db: the database.
        user_id: only this user's; there is no line if there is no such user.

    Raises:
        InvalidInputError: `user_id` breaks its rule.
    """
    async with db.transaction(isolation="repeatable_read", readonly=True) as snapshot:
        async for owner in _owners(snapshot, user_id):
            if owner.tasks:
                async for line in _task_lines(snapshot, owner.id):
                    yield line
            if owner.conversations:
                async for line in _conversation_lines(snapshot, owner.id):
                    yield line


async def _owners(db: Executor, user_id: str | None) -> AsyncIterator[_Owner]:
    if user_id is not None:
        if await users.get(db, user_id=user_id):
            yield _Owner(id=user_id, tasks=True, conversations=True)
        return
    page = await _users(db, after="", limit=_ROWS)
    while page:
        for owner in page:
            yield owner
        page = await _users(db, after=page[-1].id, limit=_ROWS)


async def _task_lines(db: Executor, user_id: str) -> AsyncIterator[bytes]:
    page = await _tasks(db, user_id=user_id, after=None, limit=_ROWS, bytes=_BYTES)
    while page:
        for task in page:
            yield to_json({"user_id": user_id, "task": _fields(task)}) + b"\n"
        page = await _tasks(db, user_id=user_id, after=page[-1], limit=_ROWS, bytes=_BYTES)


async def _conversation_lines(db: Executor, user_id: str) -> AsyncIterator[bytes]:
    after = None
    while True:
        page = await _conversations(
            db, user_id=user_id, after=after, limit=_CONVERSATIONS, long=_ROWS
        )
        for group in _groups(page):
            if _is_long(group[0]):
                async for line in _long_conversation(db, group[0]):
                    yield line
            else:
                ids = [conversation.id for conversation in group]
                said = defaultdict(list)
                for message in await _messages(db, user_id=user_id, conversation_ids=ids):
                    said[message.conversation_id].append(message)
                for conversation in group:
                    lines_of = _Lines(conversation)
                    for line in lines_of.add(said[conversation.id]):
                        yield line
                    yield lines_of.end()
        if len(page) < _CONVERSATIONS:
            return
        after = page[-1]


async def _long_conversation(db: Executor, conversation: _Measured) -> AsyncIterator[bytes]:
    lines_of, after = _Lines(conversation), None
    while page := await _page(
        db,
        user_id=conversation.user_id,
        conversation_id=conversation.id,
        after=after,
        limit=_ROWS,
        bytes=_BYTES,
    ):
        for line in lines_of.add(page):
            yield line
        after = page[-1]
    yield lines_of.end()


def _is_long(conversation: _Measured) -> bool:
    return conversation.messages > _ROWS or conversation.bytes > _BYTES


def _groups(page: Sequence[_Measured]) -> Iterator[list[_Measured]]:
    """Conversations to read together, in their order; a long one stands alone."""
    group: list[_Measured] = []
    messages = size = 0
    for conversation in page:
        messages += conversation.messages
        size += conversation.bytes
        if group and (messages > _ROWS or size > _BYTES):
            yield group
            group, messages, size = [], conversation.messages, conversation.bytes
        group.append(conversation)
    if group:
        yield group


class _Lines:
    """The line of a conversation, or the lines if there must be several."""

    def __init__(self, conversation: Conversation) -> None:
        head = {"user_id": conversation.user_id, **_fields(conversation), "messages": []}
        self._opening, self._closing = to_json(head)[:-2], b"]}\n"
        self._messages: list[bytes] = []
        self._bytes = 0

    def add(self, messages: Sequence[_Message]) -> Iterator[bytes]:
        """Add messages; gives the lines that are full."""
        for message in messages:
            encoded = _encoded(message)
            full = self._bytes + len(encoded) > _FULL_LINE
            if self._messages and (full or len(self._messages) == lines.LINE_MESSAGES):
                yield self.end()
            self._messages.append(encoded)
            self._bytes += len(encoded)

    def end(self) -> bytes:
        """The line so far; the next one begins empty."""
        line = self._opening + b",".join(self._messages) + self._closing
        self._messages, self._bytes = [], 0
        return line


def _encoded(message: _Message) -> bytes:
    fields = to_json(_fields(message))
    if message.metadata is None:
        return fields
    return fields[:-1] + b',"metadata":' + message.metadata.encode() + b"}"


def _fields(record: Record) -> dict[str, Any]:
    """What a line holds of a record, apart from its owner and the metadata."""
    left_out = {"user_id", "conversation_id", "metadata", "messages", "bytes"}
    return {
        name: _time(value) if isinstance(value, datetime) else value
        for name, value in record
        if value is not None and name not in left_out
    }


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
