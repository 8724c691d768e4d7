"""One way to keep chats in PostgreSQL, as the benchmarks drive it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Said:
    """A message, whoever stores it."""

    role: Literal["user", "assistant"]
    content: str
    metadata: Any = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a conversation."""

    time: datetime
    id: UUID


class Contender:
    """What a service does with chats. A method that a library has no means for stays undefined.

    Results are the library's own, as it hands them to a service; `messages` and `ids` make
    them comparable, outside of the measured time.

    Attributes:
        name: what it is, for the tables.
        reads_all: whether it reads a whole conversation, whatever is wanted of it.
    """

    name: str
    reads_all: bool = False

    async def append(self, conversation: UUID, message: Said) -> Any:
        """Store a message, and move its conversation's recency where there is one."""
        raise NotImplementedError

    async def append_many(self, conversation: UUID, batch: Sequence[Said]) -> Any:
        """Store a batch of messages in order."""
        raise NotImplementedError

    async def last(self, conversation: UUID, count: int) -> Any:
        """The last messages of a conversation, chronologically."""
        raise NotImplementedError

    async def before(self, conversation: UUID, place: Place, count: int) -> Any:
        """The messages before a place."""
        raise NotImplementedError

    async def conversations(self, count: int) -> Any:
        """The user's most recent conversations."""
        raise NotImplementedError

    async def turn(self, conversation: UUID, question: Said, answer: Said) -> Any:
        """Store a question, read the window of 20 that ends with it, and store an answer."""
        raise NotImplementedError

    def messages(self, result: Any) -> list[Said]:
        """A result that is messages."""
        raise NotImplementedError

    def ids(self, result: Any) -> list[UUID]:
        """A result that is conversations."""
        raise NotImplementedError


class InSteps(Contender):
    """A library whose turn is one call after another."""

    async def turn(self, conversation: UUID, question: Said, answer: Said) -> Any:
        await self.append(conversation, question)
        window = await self.last(conversation, 20)
        await self.append(conversation, answer)
        return window
