"""What the database has of a batch's lines, and the rows that they give."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID, uuid4

from dal.database import Executor
from dal.jsonl import rows
from dal.jsonl.lines import ConversationLine, Line, Said, TaskLine
from dal.jsonl.rows import Key, Locked, MessageRow, TaskRow

RowKey: TypeAlias = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class Found:
    """What the database has of a batch's lines.

    Attributes:
        now: the server's clock.
        conversations: those that exist; they are locked.
        last: the times of their last messages.
        messages: whether those that exist have the same content.
        tasks: the same.
    """

    now: datetime
    conversations: dict[RowKey, Locked]
    last: dict[RowKey, datetime]
    messages: dict[RowKey, bool]
    tasks: dict[RowKey, bool]


async def look(db: Executor, lines: Sequence[Line]) -> Found:
    """Lock the conversations that exist, and read what is stored under the ids of the lines."""
    chats = [line for line in lines if isinstance(line, ConversationLine)]
    todos = [line for line in lines if isinstance(line, TaskLine) and line.task.id]
    # First of all: what follows is true as long as nobody else appends.
    locked = await rows.lock_conversations(db, keys=[Key(chat.user_id, chat.id) for chat in chats])
    last = await rows.last_messages(db, keys=[Key(chat.user_id, chat.id) for chat in locked])
    said = [(chat, one) for chat in chats for one in chat.messages if one.id]
    stored = await rows.stored_messages(
        db,
        user_ids=[chat.user_id for chat, _ in said],
        message_ids=[one.id for _, one in said if one.id],
    )
    taken = {(one.user_id, one.id) for one in stored}
    repeated = [
        message_row(chat, one) for chat, one in said if taken and (chat.user_id, one.id) in taken
    ]
    messages = await rows.compare_messages(db, messages=repeated)
    tasks = await rows.compare_tasks(db, tasks=[task_row(line) for line in todos])
    return Found(
        now=(await rows.clock(db)).now,
        conversations={(one.user_id, one.id): one for one in locked},
        last={(one.user_id, one.id): one.created_at for one in last},
        messages={(one.user_id, one.id): one.same for one in messages},
        tasks={(one.user_id, one.id): one.same for one in tasks},
    )


def message_row(line: ConversationLine, said: Said) -> MessageRow:
    """A message's row."""
    return MessageRow(
        line.user_id,
        said.id,
        line.id,
        said.role,
        said.content,
        said.metadata,
        said.created_at,
    )


def task_row(line: TaskLine) -> TaskRow:
    """A task's row; it takes an id where none is given."""
    task = line.task
    return TaskRow(
        user_id=line.user_id,
        id=task.id or uuid4(),
        title=task.title,
        description=task.description,
        completed=task.completed,
        completed_at=task.completed_at,
        created_at=task.created_at,
        updated_at=task.updated_at,
    )
