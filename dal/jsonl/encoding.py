"""How a conversation, a message and a task are written as lines."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from pydantic_core import to_json

from dal.conversations import Conversation
from dal.cursor import Cursor
from dal.jsonl import lines
from dal.jsonl.values import LINE_BYTES
from dal.record import Record
from dal.tasks import Task

_FULL_LINE = LINE_BYTES // 2


class StoredMessage(Record):
    """A message as it is exported."""

    id: UUID
    conversation_id: UUID
    role: str
    content: str = Field(repr=False)
    metadata: str | None = Field(repr=False)  # JSON as PostgreSQL has it, to the last digit
    created_at: AwareDatetime

    @property
    def cursor(self) -> Cursor:
        """Its place in the conversation."""
        return Cursor(self.created_at, self.id)


def task_line(task: Task) -> bytes:
    """The line of a task."""
    return to_json({"user_id": task.user_id, "task": _fields(task)}) + b"\n"


class ConversationLines:
    """The line of a conversation, or the lines if there must be several."""

    def __init__(self, conversation: Conversation) -> None:
        head = {"user_id": conversation.user_id, **_fields(conversation), "messages": []}
        self._opening, self._closing = to_json(head)[:-2], b"]}\n"
        self._messages: list[bytes] = []
        self._bytes = 0

    def add(self, messages: Sequence[StoredMessage]) -> Iterator[bytes]:
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
        line = b"".join([self._opening, b",".join(self._messages), self._closing])
        self._messages, self._bytes = [], 0
        return line


def _encoded(message: StoredMessage) -> bytes:
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
