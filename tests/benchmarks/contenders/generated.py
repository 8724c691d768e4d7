"""What sqlc generates for asyncpg: each row as a dataclass of the query's own, unchecked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from tests.benchmarks.contender import Contender
from tests.benchmarks.contenders.raw import Raw


@dataclass
class MessageRow:
    """A row of messages.history."""

    id: UUID
    conversation_id: UUID
    user_id: str
    role: str
    content: str
    metadata: str | None
    created_at: datetime


@dataclass
class CreatedRow(MessageRow):
    """A row of messages.create."""

    conflict: bool | None


@dataclass
class WindowRow(CreatedRow):
    """A row of messages.create_and_history."""

    stale: bool | None


_ROWS: dict[str, type[MessageRow]] = {
    "messages.history": MessageRow,
    "messages.create": CreatedRow,
    "messages.create_and_history": WindowRow,
}


class Generated(Raw):
    """Raw's calls, with the rows made into objects."""

    def messages(self, result: Any) -> Any:
        return super().messages([vars(row) for row in result])

    async def _fetch(self, name: str, **values: Any) -> Any:
        rows = await super()._fetch(name, **values)
        row_type = _ROWS.get(name)
        return [row_type(*row) for row in rows] if row_type else rows


@asynccontextmanager
async def pool(url: str) -> AsyncIterator[Contender]:
    async with asyncpg.create_pool(url, min_size=10, max_size=30) as pool:
        yield Generated("asyncpg, as sqlc generates", pool)
