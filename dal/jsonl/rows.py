"""The statements of an import. Their SQL is in sql/jsonl/."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
from pydantic import AwareDatetime

from dal.binding import Columns, Executor, query
from dal.conversations import Conversation
from dal.database.failures import translated
from dal.jsonl.lines import ConversationLine, Line, LineMessage, TaskLine
from dal.record import Record


@dataclass(slots=True)
class Key:
    """A row's primary key."""

    user_id: str
    id: UUID


@dataclass(slots=True)
class UserRow:
    """A user."""

    id: str


@dataclass(slots=True)
class ConversationRow:
    """A conversation to insert, or one whose `updated_at` and `last_message_at` are to change."""

    user_id: str
    id: UUID
    status: str
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime | None
    archived_at: datetime | None = None


@dataclass(slots=True)
class GivenTask:
    """A task of a line; a field that the line leaves out is None."""

    user_id: str
    id: UUID
    title: str = field(repr=False)
    description: str | None = field(repr=False)
    completed: bool | None
    completed_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(slots=True)
class TaskRow:
    """A task to insert."""

    user_id: str
    id: UUID
    title: str = field(repr=False)
    description: str | None = field(repr=False)
    completed: bool
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Clock(Record):
    """The server's time."""

    now: datetime


class Locked(Conversation):
    """A stored conversation, and the clock of its messages."""

    last_message_at: AwareDatetime | None


class Stored(Record):
    """The key of a row that is stored."""

    user_id: str
    id: UUID


class Last(Stored):
    """A conversation, and the time of its last message."""

    created_at: AwareDatetime


class Compared(Stored):
    """A stored row, and whether the given one has the same content."""

    same: bool


RowKey: TypeAlias = tuple[str, UUID]

# An id is None where the server is to make it; then COPY leaves the column out.
MessageRow: TypeAlias = tuple[UUID | None, str, UUID, str, str, str | None, datetime]
_COLUMNS = ("id", "user_id", "conversation_id", "role", "content", "metadata", "created_at")

Users: TypeAlias = Annotated[Sequence[UserRow], Columns(UserRow)]
Keys: TypeAlias = Annotated[Sequence[Key], Columns(Key)]
Conversations: TypeAlias = Annotated[Sequence[ConversationRow], Columns(ConversationRow)]
Messages: TypeAlias = Annotated[Sequence[LineMessage], Columns(LineMessage)]
GivenTasks: TypeAlias = Annotated[Sequence[GivenTask], Columns(GivenTask)]
Tasks: TypeAlias = Annotated[Sequence[TaskRow], Columns(TaskRow)]


@query("jsonl/clock.sql")
async def clock(db: Executor) -> Clock:
    """The server's clock."""
    raise NotImplementedError


@query("jsonl/lock_conversations.sql", strict=True)
async def lock_conversations(db: Executor, *, keys: Keys) -> list[Locked]:
    """The conversations that are stored, locked until the transaction ends."""
    raise NotImplementedError


@query("jsonl/last_messages.sql", strict=True)
async def last_messages(db: Executor, *, keys: Keys) -> list[Last]:
    """The last messages' times of conversations that have any."""
    raise NotImplementedError


@query("jsonl/stored_messages.sql")
async def stored_messages(
    db: Executor, *, user_ids: list[str], message_ids: list[UUID]
) -> list[Stored]:
    """The keys that are taken by stored messages."""
    raise NotImplementedError


@query("jsonl/compare_messages.sql")
async def compare_messages(
    db: Executor, *, user_ids: list[str], conversation_ids: list[UUID], messages: Messages
) -> list[Compared]:
    """Whether the stored messages are the same as these."""
    raise NotImplementedError


@query("jsonl/compare_tasks.sql")
async def compare_tasks(db: Executor, *, tasks: GivenTasks) -> list[Compared]:
    """Whether the stored tasks are the same as these."""
    raise NotImplementedError


@query("jsonl/add_users.sql")
async def add_users(db: Executor, *, users: Users) -> int:
    """Insert the users that are absent; returns how many."""
    raise NotImplementedError


@query("jsonl/add_conversations.sql")
async def add_conversations(db: Executor, *, conversations: Conversations) -> int:
    """Insert conversations; returns how many were stored."""
    raise NotImplementedError


@query("jsonl/move_conversations.sql")
async def move_conversations(db: Executor, *, conversations: Conversations) -> int:
    """Set the recency of conversations, and the clock of their messages; returns how many."""
    raise NotImplementedError


async def copy_messages(connection: asyncpg.Connection, messages: Sequence[MessageRow]) -> int:
    """Insert messages by COPY, in half the time of an INSERT; returns how many were stored."""

    async def copy(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> int:
        if not rows:
            return 0
        status: str = await connection.copy_records_to_table(
            "messages", columns=columns, records=rows
        )
        return int(status.rpartition(" ")[2])

    with_id = [row for row in messages if row[0]]
    without_id = [row[1:] for row in messages if not row[0]]
    return await translated(
        copy, _COLUMNS, with_id, query="jsonl.copy_messages"
    ) + await translated(copy, _COLUMNS[1:], without_id, query="jsonl.copy_messages")


@query("jsonl/add_tasks.sql")
async def add_tasks(db: Executor, *, tasks: Tasks) -> int:
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
    conversations: dict[RowKey, Locked]
    last: dict[RowKey, datetime]
    messages: dict[RowKey, bool]
    tasks: dict[RowKey, bool]


async def look(db: Executor, lines: Sequence[Line]) -> Existing:
    """Lock the conversations that exist, and read what is stored under the ids of the lines."""
    chats = [line for line in lines if isinstance(line, ConversationLine)]
    todos = [line for line in lines if isinstance(line, TaskLine) and line.task.id]
    # First of all: what is read next holds as long as nobody else appends.
    locked = await lock_conversations(db, keys=[Key(chat.user_id, chat.id) for chat in chats])
    last = await last_messages(db, keys=[Key(chat.user_id, chat.id) for chat in locked])
    with_ids = [(chat, message) for chat in chats for message in chat.messages if message.id]
    stored = await stored_messages(
        db,
        user_ids=[chat.user_id for chat, _ in with_ids],
        message_ids=[message.id for _, message in with_ids if message.id],
    )
    taken = {(row.user_id, row.id) for row in stored}
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
    tasks = await compare_tasks(db, tasks=[given_task(line) for line in todos])
    return Existing(
        now=(await clock(db)).now,
        conversations={(row.user_id, row.id): row for row in locked},
        last={(row.user_id, row.id): row.created_at for row in last},
        messages={(row.user_id, row.id): row.same for row in messages},
        tasks={(row.user_id, row.id): row.same for row in tasks},
    )


def given_task(line: TaskLine) -> GivenTask:
    """A line's task, with a new id if the line has none."""
    task = line.task
    return GivenTask(
        user_id=line.user_id,
        id=task.id or uuid4(),
        title=task.title,
        description=task.description,
        completed=task.completed,
        completed_at=task.completed_at,
        created_at=task.created_at,
        updated_at=task.updated_at,
    )
