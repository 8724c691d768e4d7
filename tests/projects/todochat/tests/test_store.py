"""The chatbot's statements, run and proven."""

from datetime import UTC, datetime, timedelta

import pytest
from todochat import store

import dal
from dal import conversations, tasks, users
from dal.testing import assert_proven


@pytest.fixture
async def ada(dal_db: dal.Database) -> str:
    return (await users.ensure(dal_db, user_id="ada")).id


def test_statements_are_proven() -> None:
    assert_proven()


async def test_labels(dal_db: dal.Database, ada: str) -> None:
    async with dal_db.transaction() as tx:
        chat = await conversations.create(tx, user_id=ada)
        home = await store.create_label(tx, user_id=ada, name="home")
        assert await store.attach(tx, user_id=ada, conversation_id=chat.id, label_id=home.id)
    assert await store.create_label(dal_db, user_id=ada, name="home") == home
    assert await store.labels_of(dal_db, user_id=ada, conversation_id=chat.id) == [home]
    assert not await store.attach(dal_db, user_id=ada, conversation_id=chat.id, label_id=home.id)
    (labelled,) = await store.labelled(dal_db, user_id=ada, label_id=home.id)
    assert labelled.conversation_id == chat.id
    renamed = await store.rename_label(dal_db, user_id=ada, label_id=home.id, name="house")
    assert renamed == home.model_copy(update={"name": "house"})
    assert await store.list_labels(dal_db, user_id="bob") == []
    assert await store.detach(dal_db, user_id=ada, conversation_id=chat.id, label_id=home.id)
    assert await store.delete_label(dal_db, user_id=ada, label_id=home.id)


async def test_reminders(dal_db: dal.Database, ada: str) -> None:
    task = await tasks.create(dal_db, user_id=ada, title="Buy milk")
    before = datetime.now(UTC) - timedelta(minutes=1)
    await store.remind(dal_db, user_id=ada, task_id=task.id, remind_at=before)
    await store.remind(dal_db, user_id=ada, task_id=task.id, remind_at=before + timedelta(days=1))
    assert await store.reminded(dal_db, user_id=ada, unsent=True) == [task.id, task.id]
    later = before + timedelta(hours=1)
    assert await store.reminded(dal_db, user_id=ada, since=later) == [task.id]
    (reminder,) = await store.due(dal_db)
    assert (reminder.title, reminder.remind_at) == ("Buy milk", before)
    assert await store.mark_sent(dal_db, user_id=ada, reminder_id=reminder.id)
    assert await store.due(dal_db) == []
