"""dal's own functions, on a pool or on a connection that is held."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

import dal
from dal import NewMessage, conversations, messages
from tests.benchmarks.contender import Contender, Place, Said
from tests.benchmarks.data import USER


class Ours(Contender):
    """What a service calls."""

    def __init__(self, name: str, db: dal.Executor) -> None:
        self.name, self._db = name, db

    async def append(self, conversation: UUID, message: Said) -> Any:
        return await messages.create(
            self._db,
            user_id=USER,
            conversation_id=conversation,
            role=message.role,
            content=message.content,
            metadata=message.metadata,
        )

    async def append_many(self, conversation: UUID, batch: Sequence[Said]) -> Any:
        new = [
            NewMessage(role=message.role, content=message.content, metadata=message.metadata)
            for message in batch
        ]
        return await messages.create_many(
            self._db, user_id=USER, conversation_id=conversation, messages=new
        )

    async def last(self, conversation: UUID, count: int) -> Any:
        return await messages.history(
            self._db, user_id=USER, conversation_id=conversation, limit=count
        )

    async def before(self, conversation: UUID, place: Place, count: int) -> Any:
        return await messages.history(
            self._db,
            user_id=USER,
            conversation_id=conversation,
            limit=count,
            before=dal.Cursor(place.time, place.id),
        )

    async def conversations(self, count: int) -> Any:
        return await conversations.list_for_user(self._db, user_id=USER, limit=count)

    async def turn(self, conversation: UUID, question: Said, answer: Said) -> Any:
        window = await messages.create_and_history(
            self._db,
            user_id=USER,
            conversation_id=conversation,
            role=question.role,
            content=question.content,
            metadata=question.metadata,
        )
        await self.append(conversation, answer)
        return window

    def messages(self, result: Any) -> list[Said]:
        return [Said(message.role, message.content, message.metadata) for message in result]

    def ids(self, result: Any) -> list[UUID]:
        return [record.id for record in result]


@asynccontextmanager
async def pool(url: str, max_size: int = 30) -> AsyncIterator[Contender]:
    async with dal.connect(url, min_size=min(10, max_size), max_size=max_size) as db:
        yield Ours("dal", db)


@asynccontextmanager
async def held(url: str) -> AsyncIterator[Contender]:
    connection = await asyncpg.connect(url)
    try:
        yield Ours("dal, held connection", connection)
    finally:
        await connection.close()
