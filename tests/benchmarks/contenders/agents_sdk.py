"""The OpenAI Agents SDK's SQLAlchemySession, with tables of its own."""

# pyright: reportMissingImports=false
# The `bench` extra may be absent.

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
from agents.extensions.memory import SQLAlchemySession
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.benchmarks.contender import Contender, InSteps, Said
from tests.benchmarks.contenders.repositories import engine
from tests.benchmarks.data import SHORT

# As its add_items stores them.
_FILL = """
    INSERT INTO agent_sessions (session_id) SELECT DISTINCT conversation_id::text FROM messages;

    INSERT INTO agent_messages (session_id, message_data, created_at)
    SELECT
        conversation_id::text,
        json_build_object('role', role, 'content', content, 'metadata', metadata)::text,
        created_at AT TIME ZONE 'UTC'
    FROM messages
    ORDER BY conversation_id, created_at;
"""


class AgentsSession(InSteps):
    """A session object for each conversation, kept, on one engine.

    One for each call would take twice as long: SQLAlchemy compiles its statements anew.
    """

    name = "SQLAlchemySession"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._sessions: dict[UUID, SQLAlchemySession] = {}

    async def append(self, conversation: UUID, message: Said) -> Any:
        await self._session(conversation).add_items([_item(message)])

    async def append_many(self, conversation: UUID, batch: Sequence[Said]) -> Any:
        await self._session(conversation).add_items([_item(message) for message in batch])

    async def last(self, conversation: UUID, count: int) -> Any:
        return await self._session(conversation).get_items(limit=count)

    def messages(self, result: Any) -> list[Said]:
        return [Said(item["role"], item["content"], item["metadata"]) for item in result]

    def _session(self, conversation: UUID) -> SQLAlchemySession:
        if conversation not in self._sessions:
            self._sessions[conversation] = SQLAlchemySession(str(conversation), engine=self._engine)
        return self._sessions[conversation]


def _item(message: Said) -> Any:
    return {"role": message.role, "content": message.content, "metadata": message.metadata}


async def prepare(url: str) -> None:
    """Make its tables, and fill them from dal's."""
    async with engine(url) as opened:
        await SQLAlchemySession(str(SHORT), engine=opened, create_tables=True).get_items()
    with psycopg.connect(url) as connection:
        connection.execute(_FILL)


@asynccontextmanager
async def pool(url: str) -> AsyncIterator[Contender]:
    async with engine(url) as opened:
        yield AgentsSession(opened)
