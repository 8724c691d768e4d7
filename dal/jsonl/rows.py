"""What an import sends, and the statements that take it. Their SQL is in sql/jsonl/."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Annotated, TypeAlias
from uuid import UUID

import asyncpg
from pydantic import AwareDatetime

from dal.binding import Columns, Executor, query
from dal.conversations import Conversation
from dal.database.failures import translated
from dal.record import Record


# Not frozen: a frozen one takes four times as long to make, and there is one for each message.
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
    """A conversation; also one of which `updated_at` and `last_message_at` alone are new."""

    user_id: str
    id: UUID
    status: str
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime | None
    archived_at: datetime | None = None


@dataclass(slots=True)
class MessageRow:
    """A message; None for an id that the server is to make, and for a time yet to be taken."""

    user_id: str
    id: UUID | None
    conversation_id: UUID
    role: str
    content: str = field(repr=False)
    metadata: str | None = field(repr=False)
    created_at: datetime | None


@dataclass(slots=True)
class TaskRow:
    """A task; None for what is not given."""

    user_id: str
    id: UUID
    title: str = field(repr=False)
    description: str | None = field(repr=False)
    completed: bool | None
    completed_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None


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


_COLUMNS = [column.name for column in fields(MessageRow)]
_COLUMNS_WITHOUT_ID = [name for name in _COLUMNS if name != "id"]

Users: TypeAlias = Annotated[Sequence[UserRow], Columns(UserRow)]
Keys: TypeAlias = Annotated[Sequence[Key], Columns(Key)]
Conversations: TypeAlias = Annotated[Sequence[ConversationRow], Columns(ConversationRow)]
Messages: TypeAlias = Annotated[Sequence[MessageRow], Columns(MessageRow)]
Tasks: TypeAlias = Annotated[Sequence[TaskRow], Columns(TaskRow)]


@query("jsonl/clock.sql")
async def clock(db: Executor) -> Clock:
    """The server's clock."""
    raise NotImplementedError


@query("jsonl/lock_conversations.sql", whole=True)
async def lock_conversations(db: Executor, *, keys: Keys) -> list[Locked]:
    """Those that are stored, locked until the transaction ends."""
    raise NotImplementedError


@query("jsonl/last_messages.sql", whole=True)
async def last_messages(db: Executor, *, keys: Keys) -> list[Last]:
    """The last messages' times of conversations that have any."""
    raise NotImplementedError


@query("jsonl/stored_messages.sql")
async def stored_messages(
    db: Executor, *, user_ids: list[str], message_ids: list[UUID]
) -> list[Stored]:
    """Those of the ids that are taken."""
    raise NotImplementedError


@query("jsonl/compare_messages.sql")
async def compare_messages(db: Executor, *, messages: Messages) -> list[Compared]:
    """The stored ones, compared."""
    raise NotImplementedError


@query("jsonl/compare_tasks.sql")
async def compare_tasks(db: Executor, *, tasks: Tasks) -> list[Compared]:
    """The stored ones, compared."""
    raise NotImplementedError


@query("jsonl/add_users.sql")
async def add_users(db: Executor, *, users: Users) -> int:
    """Make the owners that are absent; how many they were."""
    raise NotImplementedError


@query("jsonl/add_conversations.sql")
async def add_conversations(db: Executor, *, conversations: Conversations) -> None:
    """Make conversations."""
    raise NotImplementedError


@query("jsonl/move_conversations.sql")
async def move_conversations(db: Executor, *, conversations: Conversations) -> None:
    """Set the recency of stored conversations, and the clock of their messages."""
    raise NotImplementedError


async def copy_messages(connection: asyncpg.Connection, messages: Sequence[MessageRow]) -> None:
    """Make messages. Through COPY, which takes half the time of an INSERT of arrays."""

    async def copy(columns: list[str], rows: list[MessageRow]) -> None:
        await connection.copy_records_to_table(
            "messages", columns=columns, records=map(attrgetter(*columns), rows)
        )

    for columns, rows in (
        (_COLUMNS, [row for row in messages if row.id]),
        (_COLUMNS_WITHOUT_ID, [row for row in messages if not row.id]),
    ):
        if rows:
            await translated(copy, columns, rows, query="jsonl.copy_messages")


@query("jsonl/add_tasks.sql")
async def add_tasks(db: Executor, *, tasks: Tasks) -> None:
    """Make tasks."""
    raise NotImplementedError
