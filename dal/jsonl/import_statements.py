"""The statements of an import. Their SQL is in sql/jsonl/."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg
from pydantic import AwareDatetime

from dal.binding import Columns, Executor, query
from dal.cluster import groups_of_one_shard
from dal.conversations import Conversation
from dal.database.failures import translated
from dal.inputs import Keys
from dal.jsonl.lines import ConversationLine, ImportedMessage, ImportedTask, Line, TaskLine
from dal.record import RowKey


@dataclass(slots=True)
class ConversationRow:
    """A conversation to insert."""

    user_id: str
    id: UUID
    status: str
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime | None
    archived_at: datetime | None


@dataclass(slots=True)
class ConversationTimes:
    """A stored conversation, and the times that it is to have."""

    user_id: str
    id: UUID
    updated_at: datetime
    last_message_at: datetime | None


class LockedConversation(Conversation):
    """A stored conversation with all of its times."""

    last_message_at: AwareDatetime | None
    archived_at: AwareDatetime | None


class LastMessageTime(RowKey):
    """A conversation, and the time of its last message."""

    created_at: AwareDatetime


class RowComparison(RowKey):
    """A stored row, and whether the given one has the same content."""

    same: bool


KeyTuple: TypeAlias = tuple[str, UUID]

_CONTENT = [
    field.name for field in fields(ImportedMessage) if field.name not in ("id", "created_at")
]
_COLUMNS = ("id", "user_id", "conversation_id", "created_at", *_CONTENT)
_content: Callable[[ImportedMessage], tuple[Any, ...]] = attrgetter(*_CONTENT)

Conversations: TypeAlias = Annotated[Sequence[ConversationRow], Columns(ConversationRow)]
Times: TypeAlias = Annotated[Sequence[ConversationTimes], Columns(ConversationTimes)]
Messages: TypeAlias = Annotated[Sequence[ImportedMessage], Columns(ImportedMessage)]
Tasks: TypeAlias = Annotated[Sequence[ImportedTask], Columns(ImportedTask)]


@query("jsonl/clock.sql")
async def clock(db: Executor) -> datetime:
    """The server's clock."""
    raise NotImplementedError


@query("jsonl/lock_conversations.sql", strict=True)
async def lock_conversations(
    db: Executor, *, keys: Keys, user_id: str | None
) -> list[LockedConversation]:
    """The conversations that are stored, locked until the transaction ends."""
    raise NotImplementedError


@query("jsonl/last_messages.sql", strict=True)
async def last_messages(db: Executor, *, keys: Keys, user_id: str | None) -> list[LastMessageTime]:
    """The last messages' times of conversations that have any."""
    raise NotImplementedError


@query("jsonl/stored_messages.sql")
async def stored_messages(
    db: Executor, *, user_ids: list[str], message_ids: list[UUID]
) -> list[RowKey]:
    """The keys that are taken by stored messages."""
    raise NotImplementedError


@query("jsonl/compare_messages.sql")
async def compare_messages(
    db: Executor, *, user_ids: list[str], conversation_ids: list[UUID], messages: Messages
) -> list[RowComparison]:
    """Whether the stored messages are the same as these."""
    raise NotImplementedError


@query("jsonl/compare_tasks.sql")
async def compare_tasks(db: Executor, *, user_ids: list[str], tasks: Tasks) -> list[RowComparison]:
    """Whether the stored tasks are the same as these."""
    raise NotImplementedError


@query("jsonl/add_users.sql")
async def add_users(db: Executor, *, user_ids: list[str]) -> int:
    """Insert the users that are absent; returns how many."""
    raise NotImplementedError


@query("jsonl/add_conversations.sql")
async def add_conversations(db: Executor, *, conversations: Conversations) -> int:
    """Insert conversations; returns how many were stored."""
    raise NotImplementedError


@query("jsonl/update_conversation_times.sql")
async def update_conversation_times(db: Executor, *, conversations: Times) -> int:
    """Set updated_at and last_message_at of conversations; returns how many."""
    raise NotImplementedError


class MessageRow(NamedTuple):
    """A message to insert."""

    user_id: str
    conversation_id: UUID
    created_at: datetime
    message: ImportedMessage


async def copy_messages(connection: asyncpg.Connection, messages: Sequence[MessageRow]) -> int:
    """Insert messages by COPY, in half the time of an INSERT; returns how many were stored."""

    async def copy(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> int:
        if not rows:
            return 0
        status: str = await connection.copy_records_to_table(
            "messages", columns=columns, records=rows
        )
        return int(status.rpartition(" ")[2])

    rows = [(row.message.id, *row[:-1], *_content(row.message)) for row in messages]
    with_id = [row for row in rows if row[0]]
    # The server makes the ids; then COPY leaves the column out.
    without_id = [row[1:] for row in rows if not row[0]]
    return await translated(
        copy, _COLUMNS, with_id, query="jsonl.copy_messages"
    ) + await translated(copy, _COLUMNS[1:], without_id, query="jsonl.copy_messages")


@query("jsonl/add_tasks.sql")
async def add_tasks(db: Executor, *, user_ids: list[str], tasks: Tasks) -> int:
    """Insert tasks; returns how many were stored."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Existing:
    """The rows of a batch's lines that the database has already, by key.

    Attributes:
        now: the server's clock.
        conversations: the conversations; they are locked.
        last: the times of their last messages.
        messages: whether a message has the same content.
        tasks: whether a task has the same content.
    """

    now: datetime
    conversations: dict[KeyTuple, LockedConversation]
    last: dict[KeyTuple, datetime]
    messages: dict[KeyTuple, bool]
    tasks: dict[KeyTuple, bool]


async def read_existing(db: Executor, lines: Sequence[Line], distributed: bool) -> Existing:
    """Lock the conversations that exist, and read what is stored under the ids of the lines."""
    chats = [line for line in lines if isinstance(line, ConversationLine)]
    todos = [line for line in lines if isinstance(line, TaskLine) and line.task.id]
    # First of all: what is read next holds as long as nobody else appends.
    locked, last = list[LockedConversation](), list[LastMessageTime]()
    for user_id, keys in groups_of_one_shard(_keys(chats), distributed):
        stored = await lock_conversations(db, keys=keys, user_id=user_id)
        last += await last_messages(db, keys=_keys(stored), user_id=user_id)
        locked += stored
    with_ids = [(chat, message) for chat in chats for message in chat.messages if message.id]
    messages_stored = await stored_messages(
        db,
        user_ids=[chat.user_id for chat, _ in with_ids],
        message_ids=[message.id for _, message in with_ids if message.id],
    )
    taken = {(row.user_id, row.id) for row in messages_stored}
    repeated = [
        (chat, message)
        for chat, message in with_ids
        if taken and (chat.user_id, message.id) in taken
    ]
    messages = await compare_messages(
        db,
        user_ids=[chat.user_id for chat, _ in repeated],
        conversation_ids=[chat.id for chat, _ in repeated],
        messages=[message for _, message in repeated],
    )
    tasks = await compare_tasks(
        db, user_ids=[line.user_id for line in todos], tasks=[line.task for line in todos]
    )
    return Existing(
        now=await clock(db),
        conversations={(row.user_id, row.id): row for row in locked},
        last={(row.user_id, row.id): row.created_at for row in last},
        messages={(row.user_id, row.id): row.same for row in messages},
        tasks={(row.user_id, row.id): row.same for row in tasks},
    )


def _keys(rows: Sequence[ConversationLine | LockedConversation]) -> list[RowKey]:
    return [RowKey(user_id=row.user_id, id=row.id) for row in rows]
