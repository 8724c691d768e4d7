"""messages: what was said, in the order it was committed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import ValidationError

from dal import (
    Conversation,
    Database,
    Executor,
    Message,
    MessageRole,
    NewMessage,
    conversations,
    messages,
)
from tests.surface import call

MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def own(chat: Conversation) -> dict[str, Any]:
    """The arguments that name ada's conversation."""
    return {"user_id": chat.user_id, "conversation_id": chat.id}


def batch(size: int) -> list[NewMessage]:
    return [NewMessage(role="user", content=f"{n}") for n in range(size)]


async def test_create_and_get(executor: Executor, own: dict[str, Any]) -> None:
    plain = await messages.create(executor, **own, role="user", content="Hi")
    assert (plain.user_id, plain.conversation_id) == tuple(own.values())
    assert (plain.role, plain.content, plain.metadata) == (MessageRole.USER, "Hi", None)
    assert await messages.get(executor, user_id="ada", message_id=plain.id) == plain
    chat = await conversations.get(executor, **own)
    assert chat
    assert chat.updated_at == plain.created_at

    own_id = uuid4()
    role = MessageRole.ASSISTANT
    new: dict[str, Any] = {"role": role, "content": "", "metadata": {"tool": "x"}, "id": own_id}
    full = await messages.create(executor, **own, **new)
    assert new.items() <= dict(full).items()
    assert await messages.get(executor, user_id="ada", message_id=own_id) == full
    assert await messages.get(executor, user_id="ada", message_id=uuid4()) is None


async def test_create_many_is_contiguous_and_in_order(
    executor: Executor, own: dict[str, Any]
) -> None:
    earlier = await messages.create(executor, **own, role="user", content="Hi")
    own_id = uuid4()
    new = [*batch(50), NewMessage(role="assistant", content="last", metadata={"n": [1]}, id=own_id)]
    made = await messages.create_many(executor, **own, messages=new)
    assert [(message.role, message.content, message.metadata) for message in made] == [
        (message.role, message.content, message.metadata) for message in new
    ]
    assert made[-1].id == own_id
    first = made[0].created_at
    assert first > earlier.created_at
    assert [message.created_at for message in made] == [first + n * MICROSECOND for n in range(51)]
    assert await messages.history(executor, **own, limit=1000) == [earlier, *made]
    chat = await conversations.get(executor, **own)
    assert chat
    assert chat.updated_at == made[-1].created_at


async def test_create_and_history_is_the_history_just_after(
    executor: Executor, own: dict[str, Any]
) -> None:
    for size in range(1, 5):
        for limit in (1, 2, 3, 20):
            new: dict[str, Any] = {
                "role": "user",
                "content": f"{size} {limit}",
                "metadata": {"n": limit},
            }
            window = await messages.create_and_history(executor, **own, **new, limit=limit)
            assert window == await messages.history(executor, **own, limit=limit)
            assert new.items() <= dict(window[-1]).items()
    default = await messages.create_and_history(executor, **own, role="user", content="17")
    assert len(default) == 17


async def test_history_stream_and_count_agree(executor: Executor, own: dict[str, Any]) -> None:
    assert await messages.history(executor, **own) == []
    assert await call(messages.stream, executor, own) == []
    assert await messages.count(executor, **own) == 0
    made = await messages.create_many(executor, **own, messages=batch(7))
    assert await messages.count(executor, **own) == 7
    for limit in range(1, 9):
        assert await messages.history(executor, **own, limit=limit) == made[-limit:]
    for size in (1, 2, 3, 7, 500):
        assert await call(messages.stream, executor, own | {"page_size": size}) == made
        for n, message in enumerate(made, 1):
            for after in (message, message.cursor):
                arguments = own | {"after": after, "page_size": size}
                assert await call(messages.stream, executor, arguments) == made[n:]


async def test_history_gives_20_and_stream_everything(db: Database, own: dict[str, Any]) -> None:
    made = await messages.create_many(db, **own, messages=batch(501))
    assert await messages.history(db, **own) == made[-20:]
    assert await call(messages.stream, db, own) == made


async def test_a_stream_meets_what_is_added_meanwhile(db: Database, own: dict[str, Any]) -> None:
    made = await messages.create_many(db, **own, messages=batch(2))
    met = []
    async for message in messages.stream(db, **own, page_size=1):
        assert db.stats().in_use == 0
        met.append(message)
        if len(made) < 5:
            made.append(await messages.create(db, **own, role="user", content="more"))
    assert met == made


async def test_time_strictly_increases(executor: Executor, own: dict[str, Any]) -> None:
    async def append() -> None:
        await messages.create(executor, **own, role="user", content="Hi")
        await messages.create_many(executor, **own, messages=batch(3))
        await messages.create_and_history(executor, **own, role="user", content="Hi")
        await conversations.touch(executor, **own)

    await append()
    await append()
    await executor.execute("""
        UPDATE conversations
        SET updated_at = (updated_at AT TIME ZONE 'UTC' + interval '1 day') AT TIME ZONE 'UTC'
    """)
    await append()
    await append()
    rows = await executor.fetch("SELECT id, created_at FROM messages ORDER BY created_at")
    times = [row["created_at"] for row in rows]
    assert len(times) == len(set(times)) == 20
    assert times[10] - times[9] > timedelta(hours=23)
    assert times[-1] - times[10] == 10 * MICROSECOND  # a touch takes one, too


async def test_a_transaction_that_began_earlier_appends_later(
    db: Database, own: dict[str, Any]
) -> None:
    async with db.transaction() as old:
        first = await messages.create(db, **own, role="user", content="first")
        late = await messages.create(old, **own, role="user", content="second")
    assert late.created_at == first.created_at + MICROSECOND
    assert await messages.history(db, **own) == [first, late]


METADATA: list[Any] = [
    {"tool": "add_task", "params": {"title": "Milk", "tags": ["a", None]}, "result": {"ok": True}},
    *({}, [], [[], {}, [[{}]]], {"": {"": ""}}),
    *(None, True, False, 0, 2**63, -(10**100), 0.1, -1.5e-7),
    *("", "text", "\\u0000"),
    {"\\\\u0000": "\\\N{OWL}"},
    "\N{OWL}\N{COMBINING ACUTE ACCENT}\u202e\x01\x7f\ufffe",
    {"\N{OWL}": 1},
    ["x" * 100_000],
    *("5", "null", '{"a": 1}', '"quoted"'),  # strings that are JSON themselves
]


def canonical(metadata: Any) -> str:
    """Text in which 1, 1.0 and True differ, and the order of keys does not matter."""
    return json.dumps(metadata, sort_keys=True)


@pytest.mark.parametrize("codec", [False, True])
async def test_metadata_comes_back_as_it_was(codec: bool, url: str, own: dict[str, Any]) -> None:
    connection = await asyncpg.connect(url)
    try:
        if codec:  # of a service, for its own statements
            for type_name in ("json", "jsonb"):
                await connection.set_type_codec(
                    type_name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads
                )
        new = [
            NewMessage(role="assistant", content="a", metadata=metadata) for metadata in METADATA
        ]
        made = await messages.create_many(connection, **own, messages=new)
        assert await messages.history(connection, **own, limit=1000) == made
        for message, metadata in zip(made, METADATA, strict=True):
            again: dict[str, Any] = {"role": "assistant", "content": "a", "metadata": metadata}
            second = await messages.create(connection, **own, **again)
            *_, last = await messages.create_and_history(connection, **own, **again)
            for stored in (message, second, last):
                assert canonical(stored.metadata) == canonical(metadata)
    finally:
        await connection.close()


@pytest.mark.parametrize("metadata", METADATA)
def test_a_message_survives_its_own_dump(metadata: Any) -> None:
    fields: dict[str, Any] = dict.fromkeys(Message.model_fields) | {
        "id": uuid4(),
        "conversation_id": uuid4(),
        "user_id": "ada",
        "content": "5",
    }
    fields |= {"role": "user", "metadata": metadata, "created_at": datetime.now(UTC)}
    message = Message(**fields)
    assert message.metadata == metadata
    assert Message.model_validate(message.model_dump()) == message
    assert Message.model_validate_json(message.model_dump_json()) == message


async def test_a_json_null_of_another_writer_is_none(db: Database, own: dict[str, Any]) -> None:
    message = await messages.create(db, **own, role="user", content="Hi", metadata={"a": 1})
    await db.execute("UPDATE messages SET metadata = 'null'")
    assert await messages.history(db, **own) == [message.model_copy(update={"metadata": None})]


@pytest.mark.parametrize(
    ("role", "content"),
    [
        ("user", "\N{OWL}" * 1000),
        ("user", "\N{FAMILY}\N{ZERO WIDTH JOINER}\u0301\U0010ffff" * 250),
        ("assistant", "é" * 1_000_000),
        ("assistant", "'; DROP TABLE messages; --\r\n\t\x01\\u0000 :user_id $1 %s"),
    ],
)
async def test_content_comes_back_as_it_was(
    db: Database, own: dict[str, Any], role: Any, content: str
) -> None:
    message = await messages.create(db, **own, role=role, content=content)
    again = NewMessage(role=role, content=content)
    [added] = await messages.create_many(db, **own, messages=[again])
    assert message.content == added.content == content
    assert await messages.history(db, **own) == [message, added]


def test_records_are_frozen_and_show_no_text() -> None:
    secret: dict[str, Any] = {"content": "s3cr3t", "metadata": {"s3cr3t": 1}}
    message = Message.model_construct(role=MessageRole.USER, **secret)
    assert "s3cr3t" not in f"{message!r} {message} {NewMessage(role='user', **secret)!r}"
    with pytest.raises(ValidationError, match="frozen"):
        message.content = "b"
    with pytest.raises(AttributeError):
        NewMessage(role="user", content="a").content = "b"  # type: ignore[misc]
