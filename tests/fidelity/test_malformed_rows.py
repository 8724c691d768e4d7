"""A row that other writers stored against the record is named, and need not stop its neighbours."""

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import chain, combinations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import Json, model_validator

import dal
from dal import Database, Message, NewMessage, NewTask, conversations, messages, tasks
from dal.binding import Executor, Queries
from dal.errors import SchemaMismatchError
from dal.record import Record
from tests.surface import call


@pytest.fixture
async def five(db: Database, own: dict[str, Any]) -> list[Message]:
    """Five messages in a database whose rules somebody has dropped."""
    await db.execute("ALTER TABLE messages DROP CONSTRAINT chk_message_role")
    await db.execute("ALTER TABLE messages ALTER content DROP NOT NULL")
    await db.execute("ALTER TABLE conversations DROP CONSTRAINT chk_conversation_status")
    await db.execute("ALTER TABLE tasks ALTER title DROP NOT NULL")
    new = [NewMessage(role="user", content=f"{n}") for n in range(5)]
    return await messages.create_many(db, **own, messages=new)


async def spoil(db: Database, malformed: list[UUID]) -> None:
    """Give these messages, and no others, a role that there is not."""
    await db.execute(
        "UPDATE messages SET role = CASE WHEN id = ANY($1) THEN 's3cr3t' ELSE 'user' END", malformed
    )


def ids(skipped: list[SchemaMismatchError]) -> list[UUID]:
    """The rows that errors name."""
    matches = [re.search(r"\(id ([^)]+)\)", str(error)) for error in skipped]
    return [UUID(match[1]) for match in matches if match]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("role = 's3cr3t'", "role: Input should be 'user' or 'assistant'"),
        ("content = NULL", "content: Input should be a valid string"),
    ],
)
@pytest.mark.parametrize("skipping", [False, True])
async def test_a_malformed_row_is_named(
    db: Database,
    own: dict[str, Any],
    five: list[Message],
    damage: str,
    complaint: str,
    skipping: bool,
) -> None:
    *_, bad, good = five
    await db.execute(f"UPDATE messages SET {damage} WHERE id = $1", bad.id)
    new = {"role": "user", "content": "new"}
    ways: list[tuple[Any, dict[str, Any]]] = [
        (messages.history, own),
        (messages.stream, own),
        (messages.create_and_history, own | new),
        (conversations.get_with_messages, own),
    ]
    names = ["messages.history", "messages.stream", "messages.create_and_history"]
    for (function, arguments), name in zip(
        ways, [*names, "conversations.get_with_messages"], strict=True
    ):
        named = f"^{name}: a row is not a Message \\(id {bad.id}\\): {complaint}$"
        if not skipping:
            with pytest.raises(SchemaMismatchError, match=named) as raised:
                await call(function, db, arguments)
            assert raised.value.__cause__ is raised.value.__context__ is None
            continue
        with dal.skipping_malformed_rows() as skipped:
            result = await call(function, db, arguments)
        kept = getattr(result, "messages", result)
        assert [message for message in kept if message.content != "new"] == [*five[:3], good]
        assert len(skipped) == 1
        assert re.search(named, str(skipped[0]))
    with (
        dal.skipping_malformed_rows() as skipped,
        pytest.raises(SchemaMismatchError, match=str(bad.id)),
    ):
        await messages.get(db, user_id="ada", message_id=bad.id)
    assert skipped == []


async def test_lists_of_conversations_and_tasks(db: Database, five: list[Message]) -> None:
    chats = [await conversations.create(db, user_id="ada") for _ in range(3)][::-1]
    new = [NewTask(title=f"{n}") for n in range(3)]
    todo = (await tasks.create_many(db, user_id="ada", tasks=new))[::-1]
    await db.execute("UPDATE conversations SET status = 'gone' WHERE id = $1", chats[1].id)
    await db.execute("UPDATE tasks SET title = NULL WHERE id = $1", todo[1].id)
    with dal.skipping_malformed_rows() as skipped:
        assert (await conversations.list_for_user(db, user_id="ada"))[:2] == [chats[0], chats[2]]
        assert await tasks.list_for_user(db, user_id="ada") == [todo[0], todo[2]]
        assert await tasks.list_for_user(db, user_id="ada", completed=False) == [todo[0], todo[2]]
    assert ids(skipped) == [chats[1].id, todo[1].id, todo[1].id]
    with (
        dal.skipping_malformed_rows(),
        pytest.raises(SchemaMismatchError, match=r"Conversation.* status: "),
    ):
        await conversations.get_with_messages(db, user_id="ada", conversation_id=chats[1].id)


async def test_a_stream_meets_every_sound_row(
    db: Database, own: dict[str, Any], five: list[Message]
) -> None:
    """Whichever of them are malformed: the last of a page, and whole pages, too."""
    for malformed in chain.from_iterable(combinations(five, n) for n in range(len(five) + 1)):
        await spoil(db, [message.id for message in malformed])
        for page_size in (1, 2, 3, 5, 6):
            with dal.skipping_malformed_rows() as skipped:
                streamed = await call(messages.stream, db, own | {"page_size": page_size})
            assert streamed == [message for message in five if message not in malformed]
            assert ids(skipped) == [message.id for message in malformed]


async def test_a_page_of_malformed_rows_alone_is_empty(
    db: Database, own: dict[str, Any], five: list[Message]
) -> None:
    await spoil(db, [message.id for message in five[3:]])
    with dal.skipping_malformed_rows() as skipped:
        assert await messages.history(db, **own, limit=2) == []
        assert await messages.history(db, **own, limit=3) == [five[2]]
    assert len(skipped) == 4


async def test_where_the_block_counts(
    db: Database, own: dict[str, Any], five: list[Message]
) -> None:
    await spoil(db, [five[1].id])
    stream = aiter(messages.stream(db, **own, page_size=1))
    late = asyncio.Event()

    async def started_inside() -> list[Message]:
        await late.wait()
        return await messages.history(db, **own)

    with dal.skipping_malformed_rows() as outer:
        assert (await anext(stream)).id == five[0].id
        with dal.skipping_malformed_rows() as inner:
            await messages.history(db, **own)
        assert (len(outer), len(inner)) == (0, 1)
        task = asyncio.create_task(started_inside())
        await messages.history(db, **own)
        assert (len(outer), len(inner)) == (1, 1)
    with pytest.raises(SchemaMismatchError):
        await messages.history(db, **own)
    with pytest.raises(SchemaMismatchError):
        await anext(stream)
    late.set()
    assert len(await task) == 4
    assert (len(outer), len(inner)) == (2, 1)


class ToolCall(Record):
    id: UUID
    metadata: Json[dict[str, Any]] | None

    @model_validator(mode="after")
    def named(self) -> "ToolCall":
        if self.metadata == {}:
            raise ValueError("a call needs a tool")
        return self


class Token(Record):
    id: str
    content: int


class Place(Record):
    n: int

    @property
    def cursor(self) -> int:
        return self.n


QUERIES = {
    "calls": "SELECT id, metadata::text AS metadata FROM messages ORDER BY created_at",
    "tokens": "SELECT replace(id::text, '-', '') AS id, 's3cr3t' AS content FROM messages",
    "places": """
        SELECT CASE WHEN m % 4 > 0 THEN m END AS n FROM generate_series(1, 9) AS m
        WHERE m > :after ORDER BY m LIMIT :page_size""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A service's own queries."""
    for name, text in QUERIES.items():
        (tmp_path / f"{name}.sql").write_text(text)
    return tmp_path


@pytest.mark.parametrize("strict", [False, True])
async def test_a_services_own_query(
    db: Database, five: list[Message], folder: Path, strict: bool
) -> None:
    @Queries(folder)("calls.sql", strict=strict)
    async def calls(db: Executor) -> list[ToolCall]:
        raise NotImplementedError

    stored = ['{"tool": "a"}', "[1]", '"s3cr3t"', "7", "{}"]
    for message, metadata in zip(five, stored, strict=True):
        await db.execute(
            "UPDATE messages SET metadata = $2::text::jsonb WHERE id = $1", message.id, metadata
        )
    with dal.skipping_malformed_rows() as skipped:
        if strict:
            with pytest.raises(
                SchemaMismatchError, match=f"ToolCall .id {five[1].id}.: metadata: "
            ):
                await calls(db)
            return
        assert await calls(db) == [ToolCall.model_construct(id=five[0].id, metadata={"tool": "a"})]
    assert ids(skipped) == [message.id for message in five[1:]]
    assert "s3cr3t" not in f"{skipped}"
    assert str(skipped[-1]).endswith("): Value error, a call needs a tool")


async def test_an_id_that_is_no_uuid_is_not_told(
    db: Database, five: list[Message], folder: Path
) -> None:
    @Queries(folder)("tokens.sql")
    async def tokens(db: Executor) -> list[Token]:
        raise NotImplementedError

    with pytest.raises(SchemaMismatchError, match=r"^tokens: a row is not a Token: content: "):
        await tokens(db)


async def test_a_stream_stops_after_a_row_without_a_cursor(db: Database, folder: Path) -> None:
    @Queries(folder)("places.sql")
    def places(db: Executor, *, after: int = 0, page_size: int = 2) -> AsyncIterator[Place]:
        raise NotImplementedError

    numbers: list[int] = []

    async def read() -> None:
        async for row in places(db):
            numbers.append(row.n)  # noqa: PERF401 - it raises

    with dal.skipping_malformed_rows() as skipped, pytest.raises(SchemaMismatchError, match="n: "):
        await read()
    assert numbers == [1, 2, 3]
    assert len(skipped) == 1
    with dal.skipping_malformed_rows() as skipped:
        assert [row.n async for row in places(db, page_size=5)] == [1, 2, 3, 5, 6, 7, 9]
    assert len(skipped) == 2
