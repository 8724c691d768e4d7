"""langchain-postgres' PostgresChatMessageHistory, with a table of its own."""

# pyright: reportMissingImports=false
# The `bench` extra may be absent.

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_postgres import PostgresChatMessageHistory

from tests.benchmarks.contender import Contender, InSteps, Said

_TABLE = "chat_history"
# As its aadd_messages stores them: what message_to_dict makes, of the keys that hold something.
_FILL = """
    INSERT INTO chat_history (session_id, message, created_at)
    SELECT
        conversation_id,
        jsonb_build_object(
            'type', kind,
            'data', jsonb_build_object(
                'type', kind, 'content', content,
                'additional_kwargs', jsonb_build_object('metadata', metadata),
                'response_metadata', '{}'::jsonb
            )
        ),
        created_at
    FROM messages, LATERAL (SELECT CASE role WHEN 'user' THEN 'human' ELSE 'ai' END AS kind) AS k
    ORDER BY conversation_id, created_at;
"""


class LangchainHistory(InSteps):
    """A history object for each call, on one held connection in autocommit, its cheapest way."""

    name = "PostgresChatMessageHistory"
    reads_all = True

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection

    async def append(self, conversation: UUID, message: Said) -> Any:
        await self._history(conversation).aadd_messages([_message(message)])

    async def append_many(self, conversation: UUID, batch: Sequence[Said]) -> Any:
        await self._history(conversation).aadd_messages([_message(message) for message in batch])

    async def last(self, conversation: UUID, count: int) -> Any:
        return (await self._history(conversation).aget_messages())[-count:]

    def messages(self, result: Any) -> list[Said]:
        return [
            Said(
                "user" if isinstance(message, HumanMessage) else "assistant",
                str(message.content),
                message.additional_kwargs["metadata"],
            )
            for message in result
        ]

    def _history(self, conversation: UUID) -> PostgresChatMessageHistory:
        return PostgresChatMessageHistory(
            _TABLE, str(conversation), async_connection=self._connection
        )


def _message(message: Said) -> BaseMessage:
    kind = HumanMessage if message.role == "user" else AIMessage
    return kind(content=message.content, additional_kwargs={"metadata": message.metadata})


async def prepare(url: str) -> None:
    """Make its table, and fill it from dal's."""
    with psycopg.connect(url) as connection:
        PostgresChatMessageHistory.create_tables(connection, _TABLE)
        connection.execute(_FILL)


@asynccontextmanager
async def held(url: str) -> AsyncIterator[Contender]:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection:
        yield LangchainHistory(connection)
