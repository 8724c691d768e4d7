"""Every create can be repeated and raced, and appends keep their order under contention."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

import dal
from dal import (
    Conversation,
    Database,
    Message,
    NewMessage,
    NewTask,
    conversations,
    messages,
    tasks,
    users,
)
from dal.errors import ConflictError
from tests.surface import FUNCTIONS, VALUES, arguments, call, owners, snapshot

CREATES = [name for name in FUNCTIONS if name.partition(".")[2].startswith(("create", "ensure"))]
WITH_CONTENT = [name for name in CREATES if name not in ("conversations.create", "users.ensure")]


def given(name: str, chat: Conversation, **changed: Any) -> dict[str, Any]:
    """A create's arguments: a new id, in ada's conversation."""
    values = {"user_id": chat.user_id, "conversation_id": chat.id, "id": uuid4()}
    if name == "users.ensure":
        values["user_id"] = "eve"
    return arguments(FUNCTIONS[name], VALUES | values | changed)


async def waiting(db: Database, number: int) -> None:
    """Return when so many statements wait for a lock."""
    async with asyncio.timeout(20):
        waiters = 0
        while waiters < number:
            [[waiters]] = await db.fetch("""
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
            """)


@pytest.fixture
async def wide(url: str) -> AsyncIterator[Database]:
    """A database whose pool has more connections than there are callers."""
    async with dal.connect(url, min_size=1, max_size=60) as db:
        yield db


@pytest.mark.parametrize("name", CREATES)
async def test_a_repeat_returns_the_stored_row_and_moves_nothing(
    db: Database, chat: Conversation, name: str
) -> None:
    create, sent = FUNCTIONS[name], given(name, chat)
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


async def test_equal_metadata_in_another_order_is_no_conflict(
    db: Database, chat: Conversation
) -> None:
    sent = given("messages.create", chat, metadata={"a": 1, "b": {"c": 2, "d": 3}})
    said = await messages.create(db, **sent)
    sent["metadata"] = {"b": {"d": 3, "c": 2.0}, "a": 1}
    assert await messages.create(db, **sent) == said


FIRST, *_, LAST = VALUES["messages"]
MILK = VALUES["tasks"][-1]
NEW = {"messages": NewMessage("user", "new"), "tasks": NewTask("new")}
OTHER: dict[str, list[Any]] = {
    "role": ["assistant"],
    "content": ["s3cr3t", "", "buy milk"],
    "metadata": [None, {}, {"tool": "s3cr3t"}],
    "title": ["s3cr3t", "milk"],
    "description": [None, "", "s3cr3t"],
    "messages": [
        [NewMessage("assistant", LAST.content, LAST.metadata, LAST.id)],
        [NewMessage("user", "s3cr3t", LAST.metadata, LAST.id)],
        [NewMessage("user", LAST.content, None, LAST.id)],
        [FIRST, NewMessage("user", "s3cr3t", LAST.metadata, LAST.id)],
        [NEW["messages"], NewMessage("user", "s3cr3t", LAST.metadata, LAST.id)],
        [NewMessage("user", "s3cr3t", LAST.metadata, LAST.id), NEW["messages"]],
    ],
    "tasks": [
        [NewTask("s3cr3t", MILK.description, MILK.id)],
        [NewTask(MILK.title, None, MILK.id)],
        [NEW["tasks"], NewTask("s3cr3t", MILK.description, MILK.id)],
        [NewTask("s3cr3t", MILK.description, MILK.id), NEW["tasks"]],
    ],
}


@pytest.mark.parametrize("name", WITH_CONTENT)
async def test_the_same_id_with_other_content_is_a_conflict(
    db: Database, chat: Conversation, name: str
) -> None:
    create, sent = FUNCTIONS[name], given(name, chat)
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
    create, sent = FUNCTIONS[name], given(name, chat)
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


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("name", CREATES)
async def test_a_race_for_one_id_ends_in_one_row(
    db: Database, chat: Conversation, name: str, committed: bool
) -> None:
    create, sent = FUNCTIONS[name], given(name, chat)
    before = await snapshot(db)
    async with db.acquire() as connection:
        winner = connection.transaction()
        await winner.start()
        made = await call(create, connection, sent)
        racing = [asyncio.create_task(call(create, db, sent)) for _ in range(20)]
        await waiting(db, 20)
        await (winner.commit() if committed else winner.rollback())
    first, *others = await asyncio.gather(*racing)
    assert others == [first] * 19
    assert not committed or first == made
    assert await call(create, db, sent) == first
    assert len(await snapshot(db)) - len(before) == (3 if name.endswith("_many") else 1)


async def test_25_callers_make_one_conversation_and_each_a_message(db: Database, ada: str) -> None:
    own_id = uuid4()

    async def begin(n: int) -> None:
        chat = await conversations.create(db, user_id=ada, id=own_id)
        own: dict[str, Any] = {"user_id": ada, "conversation_id": chat.id}
        await messages.create(db, **own, role="user", content=f"{n}")

    await asyncio.gather(*(begin(n) for n in range(25)))
    [chat] = await conversations.list_for_user(db, user_id=ada)
    said = await messages.history(db, user_id=ada, conversation_id=own_id, limit=1000)
    assert {message.content for message in said} == {f"{n}" for n in range(25)}
    assert said[-1].created_at == chat.updated_at


async def test_every_window_under_contention_ends_with_its_own_message(
    wide: Database, chat: Conversation
) -> None:
    own: dict[str, Any] = {"user_id": "ada", "conversation_id": chat.id, "role": "user"}
    async with wide.transaction() as holder:  # whoever waits for it has a snapshot without it
        await messages.create(holder, **own, content="held")
        racing = [
            asyncio.create_task(messages.create_and_history(wide, **own, content=f"{n}", limit=5))
            for n in range(30)
        ]
        await waiting(wide, 30)
        await messages.create(holder, **own, content="held")
    windows = await asyncio.gather(*racing)
    said = await messages.history(wide, user_id="ada", conversation_id=chat.id, limit=1000)
    assert [message.content for message in said[:2]] == ["held", "held"]
    assert len(said) == 32
    for n, window in enumerate(windows):
        end = said.index(window[-1]) + 1
        assert window == said[max(0, end - 5) : end]
        assert window[-1].content == f"{n}"


async def test_a_follower_misses_nothing_of_50_writers(db: Database, chat: Conversation) -> None:
    own: dict[str, Any] = {"user_id": "ada", "conversation_id": chat.id}

    async def write(n: int) -> list[Message]:
        if n % 3 == 0:
            new = [NewMessage("assistant", f"{n}.{k}") for k in range(4)]
            return await messages.create_many(db, **own, messages=new)
        if n % 3 == 1:
            return [await messages.create(db, **own, role="user", content=f"{n}")]
        async with db.transaction() as older:  # than what others commit before it appends
            await conversations.get(older, **own)
            await users.get(older, user_id="ada")
            return [await messages.create(older, **own, role="user", content=f"{n}")]

    async def follow(total: int) -> list[Message]:
        met: list[Message] = []
        async with asyncio.timeout(30):
            while len(met) < total:
                after = met[-1] if met else None
                met += [m async for m in messages.stream(db, **own, after=after, page_size=7)]
        return met

    writing = asyncio.gather(*(write(n) for n in range(50)))
    met = await follow(17 * 4 + 33)
    assert met == await messages.history(db, **own, limit=1000)
    assert all(earlier.created_at < later.created_at for earlier, later in pairwise(met))
    for made in await writing:
        start = met.index(made[0])
        assert met[start : start + len(made)] == made


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("kind", ["messages", "tasks"])
async def test_a_batch_that_loses_a_race_is_stored_whole_or_not_at_all(
    db: Database, ada: str, chat: Conversation, kind: str, same: bool
) -> None:
    """The other writer's row is not in the batch's snapshot, and is met only when it inserts."""
    taken, fresh = uuid4(), uuid4()
    texts = ["winner", "winner" if same else "loser"]
    own: dict[str, Any] = {"user_id": ada}
    first: list[Any]
    second: list[Any]
    if kind == "messages":
        own["conversation_id"] = chat.id
        create: Any = messages.create_many
        first, second = ([dal.NewMessage("user", text, id=taken)] for text in texts)
        second.append(dal.NewMessage("user", "more", id=fresh))
        get: Any = messages.get
    else:
        create, get = tasks.create_many, tasks.get
        first, second = ([dal.NewTask(text, id=taken)] for text in texts)
        second.append(dal.NewTask("more", id=fresh))
    async with db.transaction() as winner:
        await create(winner, **own, **{kind: first})
        losing = asyncio.create_task(create(db, **own, **{kind: second}))
        await waiting(db, 1)
    if same:
        assert [one.id for one in await losing] == [taken, fresh]
    else:
        with pytest.raises(ConflictError) as raised:
            await losing
        assert raised.value.query == f"{kind}.create_many"
    name = {"messages": "message_id", "tasks": "task_id"}[kind]
    stored = await get(db, user_id=ada, **{name: fresh})
    assert (stored is not None) == same
