"""Every create can be repeated."""

from typing import Any

import pytest

from dal import Conversation, Database, NewMessage, NewTask, conversations, messages, tasks
from dal.errors import (
    ConflictError,
    ConnectionLostError,
    DatabaseUnavailableError,
    PoolTimeoutError,
    QueryTimeoutError,
)
from tests.order.creates import CREATES, WITH_CONTENT, values_for
from tests.surface import FUNCTIONS, VALUES, call, owners, snapshot


@pytest.mark.parametrize("name", CREATES)
async def test_a_repeat_returns_the_stored_row_and_moves_nothing(
    db: Database, chat: Conversation, name: str
) -> None:
    create, sent = FUNCTIONS[name], values_for(name, chat)
    made = await call(create, db, sent)
    await messages.create(db, user_id="ada", conversation_id=chat.id, role="user", content="later")
    before = await snapshot(db)
    for _ in range(2):
        assert await call(create, db, sent) == made
    async with db.transaction() as transaction:
        assert await call(create, transaction, sent) == made
    assert await snapshot(db) == before


async def test_a_repeat_after_a_change_returns_the_row_as_it_is(
    db: Database, chat: Conversation
) -> None:
    archived = await conversations.archive(db, user_id="ada", conversation_id=chat.id)
    assert await conversations.create(db, user_id="ada", id=chat.id) == archived
    task = await tasks.create(db, user_id="ada", title="Milk")
    done = await tasks.complete(db, user_id="ada", task_id=task.id)
    assert await tasks.create(db, user_id="ada", title="Milk", id=task.id) == done


@pytest.mark.parametrize(
    "failure", [QueryTimeoutError(), PoolTimeoutError(), DatabaseUnavailableError(), OSError()]
)
async def test_a_message_whose_window_could_not_be_read_is_stored(
    db: Database, chat: Conversation, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """No error says then that nothing happened."""
    sent = values_for("messages.create_and_history", chat)
    fetch = db.fetch

    async def fetch_twice(*args: Any) -> list[Any]:
        monkeypatch.setattr(db, "fetch", fail)
        return [dict(row) | {"stale": True} for row in await fetch(*args)]

    async def fail(*args: Any) -> list[Any]:
        raise failure

    monkeypatch.setattr(db, "fetch", fetch_twice)
    with pytest.raises(ConnectionLostError, match=r"was carried out, but .* with the same id$"):
        await messages.create_and_history(db, **sent)
    monkeypatch.undo()
    stored = await messages.history(db, user_id="ada", conversation_id=chat.id)
    assert [message.id for message in stored] == [sent["id"]]
    assert await messages.create_and_history(db, **sent) == stored


async def test_equal_metadata_in_another_order_is_no_conflict(
    db: Database, chat: Conversation
) -> None:
    sent = values_for("messages.create", chat, metadata={"a": 1, "b": {"c": 2, "d": 3}})
    message = await messages.create(db, **sent)
    sent["metadata"] = {"b": {"d": 3, "c": 2.0}, "a": 1}
    assert await messages.create(db, **sent) == message


FIRST, *_, LAST = VALUES["messages"]
MILK = VALUES["tasks"][-1]
NEW = {"messages": NewMessage(role="user", content="new"), "tasks": NewTask(title="new")}
OTHER: dict[str, list[Any]] = {
    "role": ["assistant"],
    "content": ["s3cr3t", "", "buy milk"],
    "metadata": [None, {}, {"tool": "s3cr3t"}],
    "title": ["s3cr3t", "milk"],
    "description": [None, "", "s3cr3t"],
    "messages": [
        [NewMessage(role="assistant", content=LAST.content, metadata=LAST.metadata, id=LAST.id)],
        [NewMessage(role="user", content="s3cr3t", metadata=LAST.metadata, id=LAST.id)],
        [NewMessage(role="user", content=LAST.content, metadata=None, id=LAST.id)],
        [FIRST, NewMessage(role="user", content="s3cr3t", metadata=LAST.metadata, id=LAST.id)],
        [
            NEW["messages"],
            NewMessage(role="user", content="s3cr3t", metadata=LAST.metadata, id=LAST.id),
        ],
        [
            NewMessage(role="user", content="s3cr3t", metadata=LAST.metadata, id=LAST.id),
            NEW["messages"],
        ],
    ],
    "tasks": [
        [NewTask(title="s3cr3t", description=MILK.description, id=MILK.id)],
        [NewTask(title=MILK.title, description=None, id=MILK.id)],
        [NEW["tasks"], NewTask(title="s3cr3t", description=MILK.description, id=MILK.id)],
        [NewTask(title="s3cr3t", description=MILK.description, id=MILK.id), NEW["tasks"]],
    ],
}


@pytest.mark.parametrize("name", WITH_CONTENT)
async def test_the_same_id_with_other_content_is_a_conflict(
    db: Database, chat: Conversation, name: str
) -> None:
    create, sent = FUNCTIONS[name], values_for(name, chat)
    await call(create, db, sent)
    elsewhere = await conversations.create(db, user_id="ada")
    other = OTHER | {"conversation_id": [elsewhere.id]}
    before = await snapshot(db)
    for parameter in other.keys() & sent.keys():
        for value in other[parameter]:
            with pytest.raises(ConflictError) as caught:
                await call(create, db, sent | {parameter: value})
            assert caught.value.query == name
            assert "s3cr3t" not in str(caught.value)
            assert await snapshot(db) == before, (parameter, value)


@pytest.mark.parametrize("name", WITH_CONTENT)
async def test_another_users_id_neither_leaks_nor_conflicts(
    db: Database, chat: Conversation, bob: str, name: str
) -> None:
    create, sent = FUNCTIONS[name], values_for(name, chat)
    await call(create, db, sent)
    before = await snapshot(db)
    bobs = await conversations.create(db, user_id=bob)
    other = {parameter: values[0] for parameter, values in OTHER.items()}
    other |= {"user_id": bob, "conversation_id": bobs.id}
    changed = sent | {parameter: other[parameter] for parameter in other.keys() & sent.keys()}
    made = await call(create, db, changed)
    assert await call(create, db, changed) == made
    assert owners(made) == {bob}
    assert set(before) <= set(await snapshot(db))
