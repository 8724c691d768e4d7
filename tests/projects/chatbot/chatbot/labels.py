"""The service's own table: labels of conversations."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from dal.binding import Executor, Queries
from dal.inputs import Title, UserId

query = Queries(Path(__file__).parent / "sql")

Name = Annotated[Title, StringConstraints(max_length=50)]


@query("labels/add.sql")
async def add(db: Executor, *, user_id: UserId, conversation_id: UUID, names: list[Name]) -> int:
    """Put labels on a conversation, and count those that are new."""
    raise NotImplementedError


@query("labels/of_conversation.sql")
async def of_conversation(db: Executor, *, user_id: UserId, conversation_id: UUID) -> list[Name]:
    """The labels of a conversation, by name."""
    raise NotImplementedError


@query("labels/conversations.sql")
async def conversations(db: Executor, *, user_id: UserId, name: Name) -> list[UUID]:
    """The conversations that bear a label, at most 1,000."""
    raise NotImplementedError
