"""conversations: who talks, and how lately."""

from datetime import timedelta
from inspect import signature
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from dal import (
    Conversation,
    ConversationStatus,
    ConversationWithMessages,
    Database,
    Executor,
    NewMessage,
    conversations,
    messages,
)
from dal.errors import ConversationNotFoundError, UserNotFoundError
from tests.order.memory import Memory
from tests.surface import FUNCTIONS, VALUES, call, variants

MICROSECOND = timedelta(microseconds=1)


async def aged(executor: Executor, chat: Conversation, by: str = "1 hour") -> Conversation:
    """The conversation, its recency moved into the past (or, by a negative time, ahead)."""
    await executor.execute(
        """
        UPDATE conversations
        SET updated_at = (updated_at AT TIME ZONE 'UTC' - $1::text::interval) AT TIME ZONE 'UTC'
        WHERE id = $2
        """,
        by,
        chat.id,
    )
    aged_chat = await conversations.get(executor, user_id=chat.user_id, conversation_id=chat.id)
    assert aged_chat
    return aged_chat


async def say(executor: Executor, chat: Conversation, content: str = "Hi") -> messages.Message:
    return await messages.create(
        executor, user_id=chat.user_id, conversation_id=chat.id, role="user", content=content
    )


async def test_create_and_get(executor: Executor, ada: str) -> None:
    chat = await conversations.create(executor, user_id=ada)
    assert (chat.user_id, chat.status) == (ada, ConversationStatus.ACTIVE)
    assert chat.created_at == chat.updated_at
    assert await conversations.get(executor, user_id=ada, conversation_id=chat.id) == chat
    own_id = uuid4()
    assert (await conversations.create(executor, user_id=ada, id=own_id)).id == own_id


async def test_list_by_recency_and_status(executor: Executor, ada: str) -> None:
    assert await conversations.list_for_user(executor, user_id=ada) == []
    made = [await conversations.create(executor, user_id=ada) for _ in range(4)]
    chats = [await aged(executor, chat, f"{n} hours") for n, chat in enumerate(made, 1)]
    assert await conversations.list_for_user(executor, user_id=ada) == chats
    assert await conversations.list_for_user(executor, user_id=ada, limit=3) == chats[:3]

    chats[1] = await conversations.archive(executor, user_id=ada, conversation_id=chats[1].id)
    for status in ("active", "archived", *ConversationStatus):
        listed = await conversations.list_for_user(executor, user_id=ada, status=status)
        assert listed == [chat for chat in chats if chat.status == status]

    message = await say(executor, chats[3])
    first, *_ = await conversations.list_for_user(executor, user_id=ada)
    assert first == chats[3].model_copy(update={"updated_at": message.created_at})


async def test_archive_keeps_recency_and_restore_moves_to_the_front(
    executor: Executor, ada: str
) -> None:
    chat = await aged(executor, await conversations.create(executor, user_id=ada))
    newer = await aged(executor, await conversations.create(executor, user_id=ada), "1 minute")
    archived = chat.model_copy(update={"status": ConversationStatus.ARCHIVED})
    for _ in range(2):
        same = await conversations.archive(executor, user_id=ada, conversation_id=chat.id)
        assert same == archived
    assert await conversations.list_for_user(executor, user_id=ada) == [newer, archived]

    restored = await conversations.restore(executor, user_id=ada, conversation_id=chat.id)
    assert restored == chat.model_copy(update={"updated_at": restored.updated_at})
    assert await conversations.list_for_user(executor, user_id=ada) == [restored, newer]


async def test_an_archived_conversation_takes_messages(db: Database, chat: Conversation) -> None:
    await conversations.archive(db, user_id=chat.user_id, conversation_id=chat.id)
    await say(db, chat)
    stored = await conversations.get(db, user_id=chat.user_id, conversation_id=chat.id)
    assert stored
    assert stored.status is ConversationStatus.ARCHIVED


async def test_touch_moves_to_the_front(executor: Executor, ada: str) -> None:
    chat = await aged(executor, await conversations.create(executor, user_id=ada))
    newer = await aged(executor, await conversations.create(executor, user_id=ada), "1 minute")
    touched = await conversations.touch(executor, user_id=ada, conversation_id=chat.id)
    assert touched == chat.model_copy(update={"updated_at": touched.updated_at})
    assert await conversations.list_for_user(executor, user_id=ada) == [touched, newer]


async def test_recency_never_moves_backwards(executor: Executor, ada: str) -> None:
    chat = await conversations.create(executor, user_id=ada)
    ahead = (await aged(executor, chat, "-1 day")).updated_at
    for move in (conversations.touch, conversations.restore):
        ahead += MICROSECOND
        moved = await move(executor, user_id=ada, conversation_id=chat.id)
        assert moved.updated_at == ahead
    assert (await say(executor, chat)).created_at == ahead + MICROSECOND


async def test_with_messages_is_the_conversation_and_its_history(
    executor: Executor, ada: str
) -> None:
    chat = await conversations.create(executor, user_id=ada)
    own: dict[str, Any] = {"user_id": ada, "conversation_id": chat.id}
    for size in (0, 1, 2, 3):
        for limit in (1, 2, 20):
            window = await conversations.get_with_messages(executor, **own, limit=limit)
            history = await messages.history(executor, **own, limit=limit)
            assert len(history) == min(size, limit)
            assert window == ConversationWithMessages(**dict(chat), messages=history)
        message = await say(executor, chat, f"{size}")
        chat = chat.model_copy(update={"updated_at": message.created_at})


async def test_with_messages_gives_the_last_20(db: Database, chat: Conversation) -> None:
    own: dict[str, Any] = {"user_id": chat.user_id, "conversation_id": chat.id}
    new = [NewMessage(role="user", content=f"{n}") for n in range(21)]
    made = await messages.create_many(db, **own, messages=new)
    window = await conversations.get_with_messages(db, **own)
    assert window
    assert window.messages == made[1:] == await messages.history(db, **own)


async def test_delete_takes_the_messages_along(executor: Executor, ada: str) -> None:
    chat = await conversations.create(executor, user_id=ada)
    message = await say(executor, chat)
    own: dict[str, Any] = {"user_id": ada, "conversation_id": chat.id}
    assert await conversations.delete(executor, **own) is True
    assert await conversations.delete(executor, **own) is False
    assert await messages.get(executor, user_id=ada, message_id=message.id) is None


async def test_an_absent_conversation(executor: Executor, ada: str) -> None:
    absent = VALUES | {"user_id": ada, "conversation_id": uuid4()}
    promised = Memory()
    promised.users_ensure(ada)
    answers: set[str] = set()
    for name, function in FUNCTIONS.items():
        for arguments in variants(function, absent):
            if "conversation_id" not in arguments:
                continue
            new = {"id": VALUES["id"]} if "id" in signature(function).parameters else {}
            try:
                answer = await promised.call(name, new | arguments)
            except ConversationNotFoundError:
                with pytest.raises(ConversationNotFoundError):
                    await call(function, executor, arguments)
                answers.add("error")
            else:
                assert await call(function, executor, arguments) == answer
                answers.add(repr(answer))
    assert answers == {"error", "None", "[]", "0", "False"}


async def test_an_absent_user(db: Database) -> None:
    with pytest.raises(UserNotFoundError):
        await conversations.create(db, user_id="nobody")


def test_a_conversation_is_frozen() -> None:
    chat = Conversation.model_construct(status=ConversationStatus.ACTIVE)
    with pytest.raises(ValidationError, match="frozen"):
        chat.status = ConversationStatus.ARCHIVED
