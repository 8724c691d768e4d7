"""Messages, in the order of their commits. Their SQL is in sql/messages/."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from dal.binding import Columns, Executor, JsonColumn, query
from dal.cursor import Cursor
from dal.errors import ConflictError, ConversationNotFoundError, MessageTooLongError
from dal.inputs import BatchId, Limit, Metadata, NewId, PageStart, Text, UserId, one_batch, one_of
from dal.record import Record, describe_by_first_line

USER_MESSAGE_CHARACTERS = 1000


class MessageRole(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"


class Message(Record):
    """One message of a conversation.

    Attributes:
        metadata: JSON, such as a tool call's name, parameters and result, or None. `dal.metadata`
            says what is accepted. JSON that Python can't parse (nested more than 200 deep, integers
            of more than 4,300 digits), which only other writers can store, stays text.
        created_at: strictly increasing within a conversation, in the order of commits.
    """

    id: UUID
    conversation_id: UUID
    user_id: str
    role: MessageRole
    content: str = Field(repr=False)
    metadata: JsonColumn = Field(repr=False)
    created_at: AwareDatetime

    @property
    def cursor(self) -> Cursor:
        """Its place in the conversation."""
        return Cursor(self.created_at, self.id, "message")


def _within_limit(content: str, info: ValidationInfo) -> str:
    # Checked here as well as by the table: PostgreSQL logs the row that a CHECK refuses.
    if info.data.get("role") is MessageRole.USER and len(content) > USER_MESSAGE_CHARACTERS:
        raise PydanticCustomError(
            "message_too_long",
            "a user's message may hold at most 1,000 characters; shorten or split it",
            {"raises": MessageTooLongError},
        )
    return content


Role: TypeAlias = Annotated[MessageRole | Literal["user", "assistant"], one_of(MessageRole)]
"""Who speaks: a member of MessageRole, or its plain string."""
Content: TypeAlias = Annotated[Text, AfterValidator(_within_limit)]
"""A message's text: at most 1,000 characters if the field `role` before it is `user`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message for `create_many`, which checks it by the rules of `create`."""

    __pydantic_config__ = ConfigDict(
        extra="forbid",
        revalidate_instances="always",
        validate_default=True,
        json_schema_extra=describe_by_first_line,
    )

    role: Role
    content: Content = field(repr=False)
    metadata: Metadata = field(default=None, repr=False)
    id: BatchId = None


Batch: TypeAlias = Annotated[Sequence[NewMessage], AfterValidator(one_batch), Columns(NewMessage)]


@query(
    "messages/create.sql", not_found=ConversationNotFoundError, raise_if={"conflict": ConflictError}
)
async def create(
    db: Executor,
    *,
    user_id: UserId,
    conversation_id: UUID,
    role: Role,
    content: Content,
    metadata: Metadata = None,
    id: NewId = None,
) -> Message:
    """Append a message and move its conversation to the front of the list.

    Repeated with the same id, it returns the stored message and moves nothing.

    SQL: sql/messages/create.sql

    Parameters:
        db: where to run: the database, a transaction, or an asyncpg connection or pool.
        user_id: the conversation's owner.
        conversation_id: the conversation.
        role: `user` or `assistant`.
        content: any text; a user's has at most 1,000 characters.
        metadata: any JSON value.
        id: the caller's own id, so that the call can be repeated after a lost connection.

    Raises:
        InvalidInputError: an argument breaks its rule (MessageTooLongError among them).
        ConversationNotFoundError: the user has no such conversation.
        ConflictError: the id is taken by a message with other content.
    """
    raise NotImplementedError


@query(
    "messages/create_many.sql",
    not_found=ConversationNotFoundError,
    raise_if={"conflict": ConflictError},
)
async def create_many(
    db: Executor, *, user_id: UserId, conversation_id: UUID, messages: Batch
) -> list[Message]:
    """Append messages, all or none, with nobody else's between them, in one statement.

    Those that are stored already come back as they are. An empty sequence does nothing.

    SQL: sql/messages/create_many.sql

    Raises:
        InvalidInputError: a message breaks a rule, an id occurs twice, or there are more than
            50,000.
        ConversationNotFoundError: the user has no such conversation.
        ConflictError: an id is taken by a message with other content.
    """
    raise NotImplementedError


@query(
    "messages/create_and_history.sql",
    not_found=ConversationNotFoundError,
    raise_if={"conflict": ConflictError},
    retry_if="stale",
)
async def create_and_history(
    db: Executor,
    *,
    user_id: UserId,
    conversation_id: UUID,
    role: Role,
    content: Content,
    metadata: Metadata = None,
    id: NewId = None,
    limit: Limit = 20,
) -> list[Message]:
    """Append a message and return the window that ends with it, chronologically.

    One round trip, for the chat loop; a second one only where another writer was faster.

    SQL: sql/messages/create_and_history.sql

    Parameters:
        limit: messages at most, the new one included, 1 to 1,000.

    The other parameters and the errors are those of `create`.
    """
    raise NotImplementedError


@query("messages/get.sql")
async def get(db: Executor, *, user_id: UserId, message_id: UUID) -> Message | None:
    """A message of a user, or None if there is none (or it is another user's).

    SQL: sql/messages/get.sql
    """
    raise NotImplementedError


@query("messages/history.sql")
async def _newest_first(
    db: Executor,
    *,
    user_id: UserId,
    conversation_id: UUID,
    limit: Limit = 20,
    before: PageStart[Message] = None,
) -> list[Message]:
    raise NotImplementedError


async def history(
    db: Executor,
    *,
    user_id: str,
    conversation_id: UUID,
    limit: int = 20,
    before: Message | Cursor | None = None,
) -> list[Message]:
    """The last messages of a conversation, or those before a place in it, chronologically.

    SQL: sql/messages/history.sql

    Parameters:
        db: where to run: the database, a transaction, or an asyncpg connection or pool.
        user_id: the conversation's owner.
        conversation_id: the conversation.
        limit: messages at most, 1 to 1,000.
        before: the first message of the following page, or its cursor.

    Raises:
        InvalidInputError: an argument breaks its rule.
    """
    page = await _newest_first(
        db, user_id=user_id, conversation_id=conversation_id, limit=limit, before=before
    )
    page.reverse()  # 40 µs cheaper than a second sort in the server
    return page


@query("messages/stream.sql")
def stream(
    db: Executor,
    *,
    user_id: UserId,
    conversation_id: UUID,
    after: PageStart[Message] = None,
    page_size: Limit = 500,
) -> AsyncIterator[Message]:
    """All messages of a conversation, oldest first, read page by page while they are used.

    It holds no transaction, and no connection between pages. Messages that are committed
    meanwhile come too; none is missed, because order is commit order.

    SQL: sql/messages/stream.sql

    Parameters:
        db: where to run: the database, a transaction, or an asyncpg connection or pool.
        user_id: the conversation's owner.
        conversation_id: the conversation.
        after: begin after this message or cursor.
        page_size: messages read at once, 1 to 1,000.

    Raises:
        InvalidInputError: an argument breaks its rule; raised by the first iteration.
    """
    raise NotImplementedError


@query("messages/count.sql")
async def count(db: Executor, *, user_id: UserId, conversation_id: UUID) -> int:
    """How many messages a conversation has; 0 where the user has no such conversation.

    It reads the whole range of the index, so its cost grows with the conversation.

    SQL: sql/messages/count.sql
    """
    raise NotImplementedError
