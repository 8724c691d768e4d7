"""A small service on dal, as a stranger writes one; test_types.py checks it and runs it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import assert_type
from uuid import UUID, uuid4

from pydantic import BaseModel

import dal
from dal import conversations, errors, messages, tasks, users
from dal.binding import Executor, Queries

query = Queries(Path(__file__).parent / "sql")


class Activity(BaseModel):
    """What a user has said so far."""

    conversations: int
    messages: int


@query("activity.sql")
async def activity(db: Executor, *, user_id: str) -> Activity:
    """A query of the service's own."""
    raise NotImplementedError


async def answer(window: list[dal.Message]) -> str:
    """The model."""
    return f"{len(window)} so far"


async def turn(db: dal.Database, user_id: str, chat: dal.Conversation, content: str) -> str:
    """The user's message in, the assistant's out."""
    window = await messages.create_and_history(
        db, user_id=user_id, conversation_id=chat.id, role="user", content=content
    )
    assert_type(window, list[dal.Message])
    reply = await messages.create(
        db,
        user_id=user_id,
        conversation_id=chat.id,
        role=dal.MessageRole.ASSISTANT,
        content=await answer(window),
        metadata={"tool": "count", "result": len(window)},
    )
    assert_type(reply, dal.Message)
    return reply.content


async def start(db: dal.Database, user_id: str, first: str | None) -> dal.Conversation:
    """A conversation with its first message and a task, all or nothing."""
    async with db.transaction() as tx:
        assert_type(tx, dal.Transaction)
        assert_type(await users.ensure(tx, user_id=user_id), dal.User)
        chat = await conversations.create(tx, user_id=user_id, id=uuid4())
        assert_type(chat, dal.Conversation)
        if first is not None:
            batch = [
                dal.NewMessage(role="user", content=first),
                dal.NewMessage(role="assistant", content="Hello", metadata={"n": 1}),
            ]
            added = await messages.create_many(
                tx, user_id=user_id, conversation_id=chat.id, messages=batch
            )
            assert_type(added, list[dal.Message])
        made = await tasks.create_many(tx, user_id=user_id, tasks=[dal.NewTask(title="Buy milk")])
        assert_type(made, list[dal.Task])
        async with tx.transaction() as inner:
            await tasks.update(inner, user_id=user_id, task_id=made[0].id, description=None)
    return chat


async def page(db: dal.Database, user_id: str, link: str | None) -> tuple[list[UUID], str | None]:
    """A page of conversations, and the link to the next one."""
    before = dal.Cursor.parse(link) if link else None
    listed = await conversations.list_for_user(
        db, user_id=user_id, status="active", limit=1, before=before
    )
    assert_type(listed, list[dal.Conversation])
    return [chat.id for chat in listed], str(listed[-1].cursor) if listed else None


async def recall(db: dal.Database, user_id: str, conversation_id: UUID) -> list[str]:
    """A whole conversation."""
    chat = await conversations.get(db, user_id=user_id, conversation_id=conversation_id)
    assert_type(chat, dal.Conversation | None)
    if chat is None:
        return []
    stream = messages.stream(db, user_id=user_id, conversation_id=chat.id, page_size=2)
    assert_type(stream, AsyncIterator[dal.Message])
    return [message.content async for message in stream]


async def main() -> None:
    """A visit."""
    async with dal.connect(min_size=1, application_name="service") as db:
        assert_type(db, dal.Database)
        chat = await start(db, "ada", "Hi")
        print(await turn(db, "ada", chat, "How many?"))
        ids, link = await page(db, "ada", None)
        print(ids == [chat.id], await page(db, "ada", link))
        print(await recall(db, "ada", chat.id))
        print(await activity(db, user_id="ada"))
        try:
            await turn(db, "bob", chat, "Hi")
        except errors.ConversationNotFoundError as error:
            print(error.query)
        async with db.acquire() as connection:
            last = await messages.history(connection, user_id="ada", conversation_id=chat.id)
            assert_type(last, list[dal.Message])
        assert_type(await users.delete(db, user_id="ada"), bool)


if __name__ == "__main__":
    asyncio.run(main())
