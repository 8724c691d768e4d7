"""The chatbot's own statements."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

from dal.binding import Executor, Queries
from dal.inputs import UserId

query = Queries(Path(__file__).parent / "sql")

LabelName = Annotated[str, StringConstraints(min_length=1, max_length=50)]


class Color(StrEnum):
    """What a label may be painted with."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Label(BaseModel):
    """A label of a user's."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    name: str
    color: Color


class Labelled(BaseModel):
    """A conversation that has a label."""

    model_config = ConfigDict(frozen=True)

    conversation_id: UUID
    updated_at: datetime


class Reminder(BaseModel):
    """When a user wants to hear of a task."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    id: UUID
    task_id: UUID
    title: str
    remind_at: datetime


@query("labels/create.sql")
async def create_label(
    db: Executor, *, user_id: UserId, name: LabelName, color: Color = Color.BLUE
) -> Label:
    """Make a label, or give the stored one of this name."""
    raise NotImplementedError


@query("labels/list_for_user.sql")
async def list_labels(db: Executor, *, user_id: UserId, limit: int = 100) -> list[Label]:
    """A user's labels, by name."""
    raise NotImplementedError


@query("labels/rename.sql")
async def rename_label(
    db: Executor, *, user_id: UserId, label_id: UUID, name: LabelName
) -> Label | None:
    """Give a label another name; None if there is none."""
    raise NotImplementedError


@query("labels/delete.sql")
async def delete_label(db: Executor, *, user_id: UserId, label_id: UUID) -> bool:
    """Delete a label, and take it off its conversations."""
    raise NotImplementedError


@query("labels/attach.sql")
async def attach(db: Executor, *, user_id: UserId, conversation_id: UUID, label_id: UUID) -> bool:
    """Put a label on a conversation; False if it was there, or one of the two is not."""
    raise NotImplementedError


@query("labels/detach.sql")
async def detach(db: Executor, *, user_id: UserId, conversation_id: UUID, label_id: UUID) -> bool:
    """Take a label off a conversation."""
    raise NotImplementedError


@query("labels/of_conversation.sql")
async def labels_of(db: Executor, *, user_id: UserId, conversation_id: UUID) -> list[Label]:
    """The labels of a conversation, by name."""
    raise NotImplementedError


@query("labels/conversations.sql")
async def labelled(
    db: Executor, *, user_id: UserId, label_id: UUID, limit: int = 50
) -> list[Labelled]:
    """The conversations that have a label, the most recent first."""
    raise NotImplementedError


@query("reminders/create.sql")
async def remind(db: Executor, *, user_id: UserId, task_id: UUID, remind_at: AwareDatetime) -> UUID:
    """Remind a user of a task."""
    raise NotImplementedError


@query("reminders/search.sql")
async def reminded(
    db: Executor,
    *,
    user_id: UserId,
    since: AwareDatetime | None = None,
    unsent: bool | None = None,
) -> list[UUID]:
    """The tasks that a user is reminded of, the next first."""
    raise NotImplementedError


@query("reminders/due.sql")
async def due(db: Executor, *, limit: int = 100) -> list[Reminder]:
    """Whose reminders are due, the oldest first."""
    raise NotImplementedError


@query("reminders/mark_sent.sql")
async def mark_sent(db: Executor, *, user_id: UserId, reminder_id: UUID) -> bool:
    """Note that a reminder was sent."""
    raise NotImplementedError
