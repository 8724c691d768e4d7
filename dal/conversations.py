"""Conversations of users with the assistant. Their SQL is in sql/conversations/."""

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import AwareDatetime

from dal.binding import Executor, query
from dal.cursor import Cursor
from dal.errors import ConversationNotFoundError, UserNotFoundError
from dal.inputs import Limit, NewId, PageStart, UserId, one_of
from dal.messages import Message
from dal.record import Record


class ConversationStatus(StrEnum):
    """Whether a conversation is in use or put away."""

    ACTIVE = "active"
    ARCHIVED = "archived"


class Conversation(Record):
    """A conversation of a user with the assistant.

    Attributes:
        updated_at: its recency: the time of its last message, or of a touch or restore since.
    """

    id: UUID
    user_id: str
    status: ConversationStatus
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def cursor(self) -> Cursor:
        """Its place in the list; it moves with the conversation's recency."""
        return Cursor(self.updated_at, self.id, "conversation")


class ConversationWithMessages(Conversation):
    """A conversation and its last messages, in chronological order."""

    messages: list[Message]


Status: TypeAlias = Annotated[
    ConversationStatus | Literal["active", "archived"], one_of(ConversationStatus)
]
"""Whether a conversation is in use: a member of ConversationStatus, or its plain string."""


@query("conversations/create.sql", not_found=UserNotFoundError)
async def create(db: Executor, *, user_id: UserId, id: NewId = None) -> Conversation:
    """Make a conversation; repeated with the same id, it returns the stored one.

    SQL: sql/conversations/create.sql

    Parameters:
        db: where to run: the database, a transaction, or an asyncpg connection or pool.
        user_id: the owner.
        id: the caller's own id, so that the call can be repeated after a lost connection.

    Raises:
        InvalidInputError: an argument breaks its rule.
        UserNotFoundError: there is no such user.
    """
    raise NotImplementedError


@query("conversations/get.sql")
async def get(db: Executor, *, user_id: UserId, conversation_id: UUID) -> Conversation | None:
    """A conversation of a user, or None if there is none (or it is another user's).

    SQL: sql/conversations/get.sql
    """
    raise NotImplementedError


@query("conversations/get_with_messages.sql")
async def get_with_messages(
    db: Executor, *, user_id: UserId, conversation_id: UUID, limit: Limit = 20
) -> ConversationWithMessages | None:
    """A conversation with its last messages, in one round trip.

    SQL: sql/conversations/get_with_messages.sql

    Parameters:
        db: where to run: the database, a transaction, or an asyncpg connection or pool.
        user_id: the owner.
        conversation_id: the conversation.
        limit: messages at most, 1 to 1,000.

    Raises:
        InvalidInputError: an argument breaks its rule.
    """
    raise NotImplementedError


@query("conversations/list_for_user.sql")
async def _list_all(
    db: Executor, *, user_id: UserId, limit: Limit = 50, before: PageStart[Conversation] = None
) -> list[Conversation]:
    raise NotImplementedError


@query("conversations/list_for_user_by_status.sql")
async def _list_by_status(
    db: Executor,
    *,
    user_id: UserId,
    status: Status,
    limit: Limit = 50,
    before: PageStart[Conversation] = None,
) -> list[Conversation]:
    raise NotImplementedError


async def list_for_user(
    db: Executor,
    *,
    user_id: str,
    status: ConversationStatus | Literal["active", "archived"] | None = None,
    limit: int = 50,
    before: Conversation | Cursor | None = None,
) -> list[Conversation]:
    """A page of a user's conversations, the most recent first.

    A conversation that becomes more recent moves to the front, so paging that has begun may miss
    it.

    SQL: sql/conversations/list_for_user.sql, sql/conversations/list_for_user_by_status.sql

    Parameters:
        db: where to run: the database, a transaction, or an asyncpg connection or pool.
        user_id: the owner.
        status: only active ones, only archived ones, or all (None).
        limit: rows at most, 1 to 1,000.
        before: the last conversation of the previous page, or its cursor.

    Raises:
        InvalidInputError: an argument breaks its rule.
    """
    if status is None:
        return await _list_all(db, user_id=user_id, limit=limit, before=before)
    return await _list_by_status(db, user_id=user_id, status=status, limit=limit, before=before)


@query("conversations/touch.sql", not_found=ConversationNotFoundError)
async def touch(db: Executor, *, user_id: UserId, conversation_id: UUID) -> Conversation:
    """Move a conversation to the front of the list; a new message does this by itself.

    SQL: sql/conversations/touch.sql

    Raises:
        ConversationNotFoundError: the user has no such conversation.
    """
    raise NotImplementedError


@query("conversations/archive.sql", not_found=ConversationNotFoundError)
async def archive(db: Executor, *, user_id: UserId, conversation_id: UUID) -> Conversation:
    """Put a conversation away; its recency stays, and messages can still be added.

    SQL: sql/conversations/archive.sql

    Raises:
        ConversationNotFoundError: the user has no such conversation.
    """
    raise NotImplementedError


@query("conversations/restore.sql", not_found=ConversationNotFoundError)
async def restore(db: Executor, *, user_id: UserId, conversation_id: UUID) -> Conversation:
    """Make a conversation active again and move it to the front of the list.

    SQL: sql/conversations/restore.sql

    Raises:
        ConversationNotFoundError: the user has no such conversation.
    """
    raise NotImplementedError


@query("conversations/delete.sql")
async def delete(db: Executor, *, user_id: UserId, conversation_id: UUID) -> bool:
    """Delete a conversation with its messages; False if the user has no such conversation.

    SQL: sql/conversations/delete.sql
    """
    raise NotImplementedError
