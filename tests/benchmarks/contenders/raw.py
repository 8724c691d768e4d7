"""The same statements through asyncpg alone, whose records are handed over as they are."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from dal.binding import query
from tests.benchmarks.contender import Contender, Place, Said
from tests.benchmarks.data import USER

_STATEMENTS = {binding.statement.name: binding.statement for binding in query.bindings}


def _text(metadata: Any) -> str | None:
    return None if metadata is None else json.dumps(metadata)


class Raw(Contender):
    """A `fetch` of asyncpg's, and dal's SQL."""

    def __init__(self, name: str, executor: Any) -> None:
        self.name, self._executor = name, executor

    async def append(self, conversation: UUID, message: Said) -> Any:
        return await self._fetch("messages.create", **_new(conversation, message))

    async def append_many(self, conversation: UUID, batch: Sequence[Said]) -> Any:
        return await self._fetch(
            "messages.create_many",
            user_id=USER,
            conversation_id=conversation,
            messages_id=[uuid4().hex for _ in batch],
            messages_role=[message.role for message in batch],
            messages_content=[message.content for message in batch],
            messages_metadata=[_text(message.metadata) for message in batch],
        )

    async def last(self, conversation: UUID, count: int) -> Any:
        return await self._page(conversation, count, None, None)

    async def before(self, conversation: UUID, place: Place, count: int) -> Any:
        return await self._page(conversation, count, place.time, place.id)

    async def conversations(self, count: int) -> Any:
        return await self._fetch(
            "conversations.list_for_user",
            user_id=USER,
            limit=count,
            before_time=None,
            before_id=None,
        )

    async def turn(self, conversation: UUID, question: Said, answer: Said) -> Any:
        new = _new(conversation, question)
        window = await self._fetch("messages.create_and_history", **new, limit=20)
        await self.append(conversation, answer)
        return window[::-1]

    def messages(self, result: Any) -> list[Said]:
        return [
            Said(row["role"], row["content"], row["metadata"] and json.loads(row["metadata"]))
            for row in reversed(result)
        ]

    def ids(self, result: Any) -> list[UUID]:
        return [row["id"] for row in result]

    async def _page(self, conversation: UUID, count: int, time: Any, id: UUID | None) -> Any:
        return await self._fetch(
            "messages.history",
            user_id=USER,
            conversation_id=conversation,
            limit=count,
            before_time=time,
            before_id=id,
        )

    async def _fetch(self, name: str, **values: Any) -> Any:
        statement = _STATEMENTS[name]
        arguments = [values.get(parameter) for parameter in statement.parameters]
        return await self._executor.fetch(statement.text, *arguments)


def _new(conversation: UUID, message: Said) -> dict[str, Any]:
    return {
        "user_id": USER,
        "conversation_id": conversation,
        "id": uuid4(),
        "role": message.role,
        "content": message.content,
        "metadata": _text(message.metadata),
    }


@asynccontextmanager
async def held(url: str) -> AsyncIterator[Contender]:
    connection = await asyncpg.connect(url)
    try:
        yield Raw("asyncpg, held connection", connection)
    finally:
        await connection.close()


@asynccontextmanager
async def pool(url: str, max_size: int = 30) -> AsyncIterator[Contender]:
    async with asyncpg.create_pool(url, min_size=min(10, max_size), max_size=max_size) as pool:
        yield Raw("asyncpg, Pool.fetch", pool)
