"""The line format: what one line of a file may hold, how it is read, and how it is written.

A line is a conversation or a task of one user:

    {"user_id", "messages": [{"role", "content", "metadata"?, "id"?, "created_at"?}],
     "id"?, "status"?, "created_at"?, "updated_at"?, "archived_at"?}
    {"user_id", "task": {"title", "description"?, "completed"?, "completed_at"?,
     "id"?, "created_at"?, "updated_at"?}}

A key that is not in the format, or comes twice in one object, makes the line bad: its value would
be lost. null is the same as a key that is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Self, TypeAlias
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError, ValidationError, to_json

from dal.conversations import Conversation, ConversationStatus, Status
from dal.inputs import Flag, UserId, distinct_ids
from dal.jsonl.values import FIRST_TIME, LINE_BYTES, BadLine, Metadata, Time, because, decoded
from dal.messages import Message, NewMessage
from dal.record import Record
from dal.tasks import NewTask, Task

LINE_MESSAGES = 10_000
"""The most messages of one line; more go on in a further line with the same id."""

_FULL_LINE = LINE_BYTES // 2
_APART = ("user_id", "conversation_id", "metadata", "page_rows")  # written elsewhere, or not at all

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def is_blank(line: bytes) -> bool:
    """Whether a line is empty apart from white space and a byte-order mark."""
    return not line.removeprefix(_BYTE_ORDER_MARK).strip()


def _in_order(messages: list["ImportedMessage"]) -> list["ImportedMessage"]:
    if len(messages) > LINE_MESSAGES:
        raise PydanticCustomError(
            "many",
            "more than {most} messages; let them go on in a further line with the same id",
            {"most": f"{LINE_MESSAGES:,}"},
        )
    distinct_ids([message for message in messages if message.id])
    for before, message in pairwise(messages):
        if message.created_at and not (
            before.created_at and before.created_at < message.created_at
        ):
            raise PydanticCustomError(
                "order",
                "the times (created_at) must increase strictly; messages without one come last",
            )
    return messages


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedMessage(NewMessage):
    """A message of a conversation's line; without an id, the server makes it."""

    __pydantic_config__ = _Part.model_config

    metadata: Metadata = field(default=None, repr=False)
    id: UUID | None = None
    created_at: Time = None


class ConversationLine(_Part):
    """A conversation, or a further part of one; one with an `archived_at` is archived."""

    user_id: UserId
    messages: Annotated[list[ImportedMessage], AfterValidator(_in_order)]
    id: Annotated[UUID, BeforeValidator(lambda value: value or uuid4())] = Field(
        default_factory=uuid4
    )
    status: Status | None = None
    created_at: Time = None
    updated_at: Time = None
    archived_at: Time = None

    @model_validator(mode="after")
    def _archived(self) -> Self:
        if self.archived_at:
            self.status = self.status or ConversationStatus.ARCHIVED
            if self.status != ConversationStatus.ARCHIVED:
                raise PydanticCustomError("active", "has an archived_at, but is not archived")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTask(NewTask):
    """A task's line, apart from the owner; what it leaves out is None."""

    __pydantic_config__ = _Part.model_config

    completed: Flag | None = None
    completed_at: Time = None
    id: UUID | None = None
    created_at: Time = None
    updated_at: Time = None


def _completed(task: ImportedTask) -> ImportedTask:
    if not task.completed_at:
        return task
    if task.completed is False:
        raise PydanticCustomError("open", "has a completed_at, but is not completed")
    return replace(task, completed=True)


class TaskLine(_Part):
    """A task of a user."""

    user_id: UserId
    task: Annotated[ImportedTask, AfterValidator(_completed)]


Line: TypeAlias = ConversationLine | TaskLine


def parse(line: bytes, user_id: str | None = None) -> Line:
    """Read one line.

    Parameters:
        user_id: the owner where the line names none; it may not name another one.

    Raises:
        BadLine: it is not in the format.
    """
    value = decoded(line)
    if not isinstance(value, dict):
        raise BadLine("must be a JSON object")
    if "task" not in value and "messages" not in value:
        raise BadLine("needs messages (a conversation) or a task")
    if user_id is not None and value.get("user_id") is None:
        value["user_id"] = user_id
    try:
        record: Line = (TaskLine if "task" in value else ConversationLine).model_validate(value)
    except ValidationError as error:
        bad = because(error)
    else:
        if user_id not in (None, record.user_id):
            raise BadLine("user_id: differs from the one given for the whole file")
        return record
    raise bad


class StoredConversation(Conversation):
    """A conversation as an export writes it."""

    archived_at: AwareDatetime | None


class StoredMessage(Message):
    """A message as an export writes it, whatever its role."""

    role: str  # type: ignore[assignment]
    metadata: str | None = Field(repr=False)  # JSON as PostgreSQL has it, to the last digit
    created_at: Annotated[AwareDatetime, Field(gt=FIRST_TIME)]


class ConversationLineWriter:
    """The line of a conversation, or the lines if there must be several."""

    def __init__(self, conversation: StoredConversation) -> None:
        empty_line = {"user_id": conversation.user_id, **_fields(conversation), "messages": []}
        self._opening, self._closing = to_json(empty_line)[:-2], b"]}\n"
        self._messages: list[bytes] = []
        self._bytes = 0

    def add(self, message: StoredMessage, full: Callable[[bytes], object]) -> None:
        """Add a message; without room for it, first pass the line to `full`."""
        encoded = to_json(_fields(message))
        if message.metadata is not None:
            encoded = encoded[:-1] + b',"metadata":' + message.metadata.encode() + b"}"
        too_long = self._bytes + len(encoded) > _FULL_LINE
        if self._messages and (too_long or len(self._messages) == LINE_MESSAGES):
            full(self.end())
        self._messages.append(encoded)
        self._bytes += len(encoded)

    def end(self) -> bytes:
        """Return the line so far, and begin the next one."""
        line = b"".join([self._opening, b",".join(self._messages), self._closing])
        self._messages, self._bytes = [], 0
        return line


def task_line(task: Task) -> bytes:
    """The line of a task."""
    return to_json({"user_id": task.user_id, "task": _fields(task)}) + b"\n"


def _fields(record: Record) -> dict[str, Any]:
    """The fields of a record that a line has, apart from its owner and the metadata."""
    return {
        name: _time(value) if isinstance(value, datetime) else value
        for name, value in record
        if value is not None and name not in _APART
    }


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
