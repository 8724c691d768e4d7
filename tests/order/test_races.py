"""Calls that race: for one id, for one conversation's lock, and for the window after a message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from dal import Conversation, Database, NewMessage, NewTask, conversations, messages
from dal.errors import ConflictError
from tests.faults.activity import ACTIVITY
from tests.order.creates import CREATES, WITH_CONTENT, values_for
from tests.surface import FUNCTIONS, call, owners, snapshot

LOCK = """
    SELECT users.id FROM users JOIN conversations ON user_id = users.id
    WHERE users.id = $1 FOR UPDATE
"""
WAITING = f"""
    SELECT count(*) FROM {ACTIVITY}
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def waiting(db: Database, number: int) -> None:
    """Return when so many statements wait for a lock."""
    async with asyncio.timeout(20):
        waiters = 0
        while waiters < number:
            [[waiters]] = await db.fetch(WAITING)


@asynccontextmanager
async def held_back(db: Database, number: int) -> AsyncIterator[None]:
    """Let so many calls that are begun in the block all reach their lock before one gets it."""
    async with db.transaction() as holder:
        for user in await holder.fetch("SELECT id FROM users"):
            await holder.execute(LOCK, user["id"])
        yield
        await waiting(db, number)


def rows_of(name: str) -> int:
    """How many rows such a create makes."""
    return 3 if name.endswith("_many") else 1


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("name", CREATES)
async def test_a_race_for_one_id_ends_in_one_row(
    wide: Database, chat: Conversation, name: str, committed: bool
) -> None:
    create, sent = FUNCTIONS[name], values_for(name, chat)
    before = await snapshot(wide)
    async with wide.acquire() as connection:
        winner = connection.transaction()
        await winner.start()
        made = await call(create, connection, sent)
        racing = [asyncio.create_task(call(create, wide, sent)) for _ in range(20)]
        await waiting(wide, 20)
        await (winner.commit() if committed else winner.rollback())
    first, *others = await asyncio.gather(*racing)
    assert others == [first] * 19
    assert not committed or first == made
    assert await call(create, wide, sent) == first
    assert len(await snapshot(wide)) - len(before) == rows_of(name)


def contents(name: str, chat: Conversation, own_id: UUID, text: str) -> dict[str, Any]:
    """A create's arguments: an id that others use too, and this text, in a batch amid two more."""
    ids = [uuid5(own_id, f"before {text}"), own_id, uuid5(own_id, f"after {text}")]
    return values_for(
        name,
        chat,
        id=own_id,
        content=text,
        title=text,
        messages=[NewMessage(role="user", content=text, id=id_) for id_ in ids],
        tasks=[NewTask(title=text, id=id_) for id_ in ids],
    )


@pytest.mark.parametrize("name", WITH_CONTENT)
async def test_of_20_contents_for_one_id_one_wins(
    wide: Database, chat: Conversation, name: str
) -> None:
    create, own_id = FUNCTIONS[name], uuid4()
    texts = [f"s3cr3t {n:02}" for n in range(20)]
    async with held_back(wide, 20):
        racing = [
            asyncio.create_task(call(create, wide, contents(name, chat, own_id, text)))
            for text in texts
        ]
    results = await asyncio.gather(*racing, return_exceptions=True)
    lost = [result for result in results if isinstance(result, ConflictError)]
    assert len(lost) == 19
    assert {(error.query, "s3cr3t" in str(error)) for error in lost} == {(name, False)}
    [won] = [text for text, result in zip(texts, results, strict=True) if result not in lost]
    stored = [row for _, _, row in await snapshot(wide) if "s3cr3t" in row]
    assert len(stored) == rows_of(name)
    assert all(won in row for row in stored)


@pytest.mark.parametrize("text", ["winner", "loser"])
@pytest.mark.parametrize("name", ["messages.create_many", "tasks.create_many"])
async def test_a_batch_that_loses_a_race_is_stored_whole_or_not_at_all(
    wide: Database, chat: Conversation, name: str, text: str
) -> None:
    """The winner's row is not in the batch's snapshot, and is met only when it inserts."""
    create, own_id, table = FUNCTIONS[name], uuid4(), name.partition(".")[0]
    first, second = (contents(name, chat, own_id, content) for content in ("winner", text))
    async with wide.transaction() as winner:
        await call(create, winner, first | {table: first[table][1:2]})
        losing = asyncio.create_task(call(create, wide, second))
        await waiting(wide, 1)
    if text == "winner":
        assert [row.id for row in await losing] == [new.id for new in second[table]]
    else:
        with pytest.raises(ConflictError) as caught:
            await losing
        assert caught.value.query == name
    stored = [row for row, _, _ in await snapshot(wide)]
    assert stored.count(table) == (3 if text == "winner" else 1)


@pytest.mark.parametrize("name", [name for name in WITH_CONTENT if "messages" in name])
async def test_a_create_that_loses_a_race_moves_no_conversation(
    wide: Database, ada: str, chat: Conversation, name: str
) -> None:
    create, own_id = FUNCTIONS[name], uuid4()
    other = await conversations.create(wide, user_id=ada)
    async with wide.transaction() as winner:
        await messages.create(
            winner, user_id=ada, conversation_id=chat.id, role="user", content="Hi", id=own_id
        )
        losing = asyncio.create_task(call(create, wide, contents(name, other, own_id, "loser")))
        await waiting(wide, 1)
    with pytest.raises(ConflictError):
        await losing
    assert await conversations.get(wide, user_id=ada, conversation_id=other.id) == other


@pytest.mark.parametrize("name", WITH_CONTENT)
async def test_two_users_race_for_one_id_and_each_has_it(
    wide: Database, chat: Conversation, bob: str, name: str
) -> None:
    create, own_id = FUNCTIONS[name], uuid4()
    bobs = await conversations.create(wide, user_id=bob)
    sent = [contents(name, owner, own_id, owner.user_id) for owner in (chat, bobs)]
    async with held_back(wide, 20):
        racing = [asyncio.create_task(call(create, wide, sent[n % 2])) for n in range(20)]
    results = await asyncio.gather(*racing)
    for n, result in enumerate(results):
        assert result == results[n % 2]
        assert owners(result) == {("ada", "bob")[n % 2]}
    assert [await call(create, wide, arguments) for arguments in sent] == results[:2]
    shared = [row for row in await snapshot(wide) if str(own_id) in row[2]]
    assert sorted(owner for _, owner, _ in shared) == ["ada", "bob"]


async def test_25_callers_make_one_conversation_its_first_message_and_their_own(
    wide: Database, ada: str
) -> None:
    own: dict[str, Any] = {"user_id": ada, "conversation_id": uuid4()}
    greeting = uuid4()

    async def begin(n: int) -> None:
        await conversations.create(wide, user_id=ada, id=own["conversation_id"])
        await messages.create(wide, **own, role="assistant", content="Hello", id=greeting)
        await messages.create(wide, **own, role="user", content=f"{n}")

    async with wide.transaction() as holder:
        await conversations.create(holder, user_id=ada, id=own["conversation_id"])
        racing = [asyncio.create_task(begin(n)) for n in range(25)]
        await waiting(wide, 25)
        await holder.execute("DELETE FROM conversations")  # so that one of them makes it
    await asyncio.gather(*racing)
    [chat] = await conversations.list_for_user(wide, user_id=ada)
    first, *others = await messages.history(wide, **own, limit=1000)
    assert (first.id, first.content) == (greeting, "Hello")
    assert len(others) == 25
    assert {message.content for message in others} == {f"{n}" for n in range(25)}
    assert others[-1].created_at <= chat.updated_at


async def test_a_window_is_what_history_gives_just_after(
    wide: Database, chat: Conversation
) -> None:
    own: dict[str, Any] = {"user_id": "ada", "conversation_id": chat.id}
    batch = [NewMessage(role="assistant", content=f"{n} of 2") for n in (1, 2)]
    racing = []
    async with wide.transaction() as holder:  # whoever waits for it has a snapshot without it
        await messages.create(holder, **own, role="user", content="held")
        for n in range(15):
            new: dict[str, Any] = {"role": "user", "content": f"{n}", "limit": n % 5 + 1}
            racing.append(asyncio.create_task(messages.create_and_history(wide, **own, **new)))
        others = [
            asyncio.create_task(coroutine)
            for _ in range(5)
            for coroutine in (
                messages.create_many(wide, **own, messages=batch),
                conversations.touch(wide, **own),
            )
        ]
        await waiting(wide, 25)
        await messages.create(holder, **own, role="user", content="held")
    windows = await asyncio.gather(*racing)
    await asyncio.gather(*others)
    stored = await messages.history(wide, **own, limit=1000)
    assert [message.content for message in stored[:2]] == ["held", "held"]
    assert len(stored) == 2 + 15 + 5 * 2
    for n, window in enumerate(windows):
        end = stored.index(window[-1]) + 1
        assert window == stored[max(0, end - (n % 5 + 1)) : end]
        assert window[-1].content == f"{n}"
