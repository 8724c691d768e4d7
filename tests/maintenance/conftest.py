"""Conversations of some age."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import UUID, uuid4

import pytest

import dal
from dal import conversations, messages

Make: TypeAlias = Callable[..., Awaitable[UUID]]


@pytest.fixture
def make(db: dal.Database, ada: str) -> Make:
    """Makes a conversation of ada's with a message, untouched and archived for so many days."""

    async def make(untouched: int = 0, archived: int | None = None, **status: str) -> UUID:
        chat = uuid4()
        await conversations.create(db, user_id=ada, id=chat)
        await messages.create(
            db, user_id=ada, conversation_id=chat, role="user", content="Buy milk"
        )
        if archived is not None or status:
            await conversations.archive(db, user_id=ada, conversation_id=chat)
        await db.execute(
            """
            UPDATE conversations
            SET updated_at = now() - $2 * interval '1 day',
                archived_at = now() - $3::int * interval '1 day'
            WHERE id = $1
            """,
            chat,
            untouched,
            archived,
        )
        return chat

    return make
