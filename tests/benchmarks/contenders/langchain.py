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

from tests.benchmarks.contender import Contender, Said

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


class LangchainHistory(Contender):
    """A history object for each call, on one held connection in autocommit, its cheapest way."""

    name = "PostgresChatMessageHistory"
    reads_all = True

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection

    async def append(self, conversation: UUID, said: Said) -> Any:
        await self._history(conversation).aadd_messages([_message(said)])

    async def append_many(self, conversation: UUID, said: Sequence[Said]) -> Any:
        await self._history(conversation).aadd_messages([_message(one) for one in said])

    async def last(self, conversation: UUID, count: int) -> Any:
        return (await self._history(conversation).aget_messages())[-count:]

    async def turn(self, conversation: UUID, question: Said, answer: Said) -> Any:
        await self.append(conversation, question)
        window = await self.last(conversation, 20)
        await self.append(conversation, answer)
        return window

    def said(self, result: Any) -> list[Said]:
        return [
            Said(
                "user" if isinstance(one, HumanMessage) else "assistant",
                str(one.content),
                one.additional_kwargs["metadata"],
            )
            for one in result
        ]

    def _history(self, conversation: UUID) -> PostgresChatMessageHistory:
        return PostgresChatMessageHistory(
            _TABLE, str(conversation), async_connection=self._connection
        )


def _message(said: Said) -> BaseMessage:
    kind = HumanMessage if said.role == "user" else AIMessage
    return kind(content=said.content, additional_kwargs={"metadata": said.metadata})


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
