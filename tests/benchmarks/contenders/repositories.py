"""SQLModel, in the shape of repository classes: a session for each call, on dal's own tables.

The pool is as the repositories' services set it: 10 connections, 20 more at the most, 30 s to get
one, replaced after 3,600 s.
"""

# pyright: reportMissingImports=false, reportAssignmentType=false
# The `bench` extra may be absent.

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tests.benchmarks.contender import Contender, Place, Said
from tests.benchmarks.data import USER


def _now() -> datetime:
    return datetime.now(UTC)


class ConversationRow(SQLModel, table=True):  # type: ignore[call-arg]
    __tablename__ = "conversations"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: str = Field(primary_key=True)
    status: str = "active"
    created_at: datetime = Field(default_factory=_now, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=_now, sa_type=DateTime(timezone=True))


class MessageRow(SQLModel, table=True):  # type: ignore[call-arg]
    __tablename__ = "messages"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: str = Field(primary_key=True)
    conversation_id: UUID
    role: str
    content: str
    data: dict[str, Any] | None = Field(
        default=None, sa_column=Column("metadata", JSONB(none_as_null=True))
    )
    created_at: datetime = Field(default_factory=_now, sa_type=DateTime(timezone=True))


class Repositories(Contender):
    """`create`: add, commit, refresh; `update_timestamp`: select, add, commit, refresh."""

    name = "SQLModel"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def append(self, conversation: UUID, message: Said) -> Any:
        stored = await self._create(conversation, message)
        await self._update_timestamp(conversation)
        return stored

    async def append_many(self, conversation: UUID, batch: Sequence[Said]) -> Any:
        rows = [_row(conversation, message) for message in batch]
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            session.add_all(rows)
            await session.commit()  # to refresh each one would be 100 statements more
        await self._update_timestamp(conversation)
        return rows

    async def last(self, conversation: UUID, count: int) -> Any:
        return await self._page(conversation, count)

    async def before(self, conversation: UUID, place: Place, count: int) -> Any:
        # By time, as good as it gets; OFFSET would read all the rows that it skips.
        return await self._page(conversation, count, col(MessageRow.created_at) < place.time)

    async def conversations(self, count: int) -> Any:
        async with AsyncSession(self._engine) as session:
            result = await session.exec(
                select(ConversationRow)
                .where(ConversationRow.user_id == USER)
                .order_by(col(ConversationRow.updated_at).desc())
                .limit(count)
            )
            return result.all()

    async def turn(self, conversation: UUID, question: Said, answer: Said) -> Any:
        await self._create(conversation, question)
        window = await self.last(conversation, 20)
        await self._create(conversation, answer)
        await self._update_timestamp(conversation)
        return window

    def messages(self, result: Any) -> list[Said]:
        return [Said(row.role, row.content, row.data) for row in result]

    def ids(self, result: Any) -> list[UUID]:
        return [row.id for row in result]

    async def _create(self, conversation: UUID, message: Said) -> MessageRow:
        async with AsyncSession(self._engine) as session:
            row = _row(conversation, message)
            session.add(row)
            await session.commit()
            await session.refresh(row)
            return row

    async def _update_timestamp(self, conversation: UUID) -> ConversationRow:
        async with AsyncSession(self._engine) as session:
            result = await session.exec(
                select(ConversationRow).where(
                    ConversationRow.id == conversation, ConversationRow.user_id == USER
                )
            )
            row: ConversationRow = result.one()
            row.updated_at = _now()
            session.add(row)
            await session.commit()
            await session.refresh(row)
            return row

    async def _page(self, conversation: UUID, count: int, *where: Any) -> Any:
        async with AsyncSession(self._engine) as session:
            result = await session.exec(
                select(MessageRow)
                .where(
                    MessageRow.conversation_id == conversation, MessageRow.user_id == USER, *where
                )
                .order_by(col(MessageRow.created_at).desc())
                .limit(count)
            )
            return list(reversed(result.all()))


def _row(conversation: UUID, message: Said) -> MessageRow:
    return MessageRow(
        user_id=USER,
        conversation_id=conversation,
        role=message.role,
        content=message.content,
        data=message.metadata,
    )


@asynccontextmanager
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine as services set it up, of the URL that all the others use too."""
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(url),
        pool_size=10,
        max_overflow=20,
        pool_timeout=30,
        pool_recycle=3600,
    )
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def pool(url: str) -> AsyncIterator[Contender]:
    async with engine(url) as opened:
        yield Repositories(opened)
