"""Rows into lines, and back again."""

import json
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import pytest

import dal
from dal import conversations, messages, migrate, tasks, users
from dal.jsonl import (
    Summary,
    export_everyone,
    export_lines,
    export_statements,
    exporting,
    import_lines,
    lines,
)

KINDS: list[Any] = [
    None,
    0,
    -7,
    10**60,
    1.5,
    1e-7,
    1e300,
    True,
    "",
    '"\\u0000 \\ / \x7f\u2028\ud7ff\U0001f600',
    [],
    {"tool": "add", "params": {"é": [None, {"": "\r\n\t"}]}, "result": [1, 2.50]},
]


async def fill(db: dal.Database) -> None:
    """A database with content of every kind."""
    for user in ("ada", "Bob", "émile", "eve", "nobody"):
        await users.ensure(db, user_id=user)
    for user in ("ada", "Bob", "émile"):
        for metadata in KINDS:
            chat = await conversations.create(db, user_id=user)
            for content in ("", "two\nlines", '"quoted" \\ \u2028 \U0001f600', "x" * 900):
                await messages.create(
                    db,
                    user_id=user,
                    conversation_id=chat.id,
                    role="assistant",
                    content=content,
                    metadata=metadata,
                )
        [last] = await conversations.list_for_user(db, user_id=user, limit=1)
        await conversations.archive(db, user_id=user, conversation_id=last.id)
        await conversations.create(db, user_id=user)
        await tasks.create(db, user_id=user, title="open", description="a\nb")
    done = await tasks.create(db, user_id="eve", title="done")
    await tasks.complete(db, user_id="eve", task_id=done.id)
    long = await conversations.create(db, user_id="ada")
    batch = [dal.NewMessage(role="user", content=f"{number}") for number in range(95)]
    await messages.create_many(db, user_id="ada", conversation_id=long.id, messages=batch)
    # Numbers as only SQL can write them, and a JSON null.
    await db.execute(
        """INSERT INTO messages (conversation_id, user_id, role, content, metadata, created_at)
        SELECT id, user_id, 'user', 'sql', '{"n": [1.10, 0.12345678901234567890]}',
            updated_at + interval '1 s'
        FROM conversations WHERE status = 'archived'"""
    )
    await db.execute(
        """INSERT INTO messages (conversation_id, user_id, role, content, metadata, created_at)
        SELECT id, user_id, 'user', 'sql', 'null', updated_at + interval '2 s'
        FROM conversations WHERE status = 'archived'"""
    )
    await db.execute("""
        UPDATE conversations
        SET updated_at = (updated_at AT TIME ZONE 'UTC' + interval '2 s') AT TIME ZONE 'UTC'
    """)


async def exported(db: dal.Database, **options: Any) -> list[bytes]:
    export = export_lines if options else export_everyone
    return [line async for line in export(db, **options)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits so low that every page and every line meets them."""
    monkeypatch.setattr(lines, "LINE_MESSAGES", 10)
    monkeypatch.setattr(exporting, "_ROWS", 4)
    monkeypatch.setattr(exporting, "_CONVERSATIONS", 3)
    monkeypatch.setattr(exporting, "_BYTES", 2000)
    monkeypatch.setattr(lines, "_FULL_LINE", 3000)


async def test_round_trip(db: dal.Database, empty_database: str, small: None) -> None:
    await fill(db)
    first = await exported(db)
    assert max(len(json.loads(line).get("messages", [])) for line in first) == 10
    migrate.apply(empty_database)
    async with dal.connect(empty_database, min_size=1) as other:
        summary = await import_lines(other, first)
        assert (summary.users, summary.tasks) == (4, 4)
        assert await exported(other) == first
        assert await import_lines(other, first) == Summary(
            lines=len(first),
            known_conversations=summary.conversations,
            known_messages=summary.messages,
            known_tasks=summary.tasks,
        )
        assert await exported(other) == first


async def test_pages_change_nothing(db: dal.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(db)
    everyone = await exported(db)
    monkeypatch.setattr(exporting, "_ROWS", 2)
    monkeypatch.setattr(exporting, "_CONVERSATIONS", 1)
    monkeypatch.setattr(exporting, "_BYTES", 1)
    monkeypatch.setattr(export_statements, "_OWNERS", 2)
    assert await exported(db) == everyone


async def test_the_order_of_lines(db: dal.Database) -> None:
    await fill(db)
    parsed = [json.loads(line) for line in await exported(db)]
    # As the database sorts them, which is not for a test to know.
    rows = await db.fetch(
        "SELECT DISTINCT user_id FROM conversations UNION SELECT 'eve' ORDER BY 1"
    )
    owners = [owner for owner, _ in groupby(parsed, itemgetter("user_id"))]
    assert owners == [row["user_id"] for row in rows]
    assert set(owners) == {"Bob", "ada", "eve", "émile"}
    for owner in owners:
        own = [line for line in parsed if line["user_id"] == owner]
        tasks_first = [("messages" in line, line.get("id") or line["task"]["id"]) for line in own]
        assert tasks_first == sorted(tasks_first)


async def test_what_a_line_looks_like(db: dal.Database, ada: str) -> None:
    time = datetime(2024, 5, 31, 8, 30, tzinfo=UTC)
    imported = [
        b'{"user_id":"ada","task":{"id":"00000000-0000-0000-0000-000000000001","title":"t",'
        b'"completed":false,"created_at":"2024-05-31T08:30:00.000000Z",'
        b'"updated_at":"2024-05-31T08:30:00.000000Z"}}\n',
        b'{"user_id":"ada","id":"00000000-0000-0000-0000-000000000002","status":"active",'
        b'"created_at":"2024-05-31T08:30:00.000000Z","updated_at":"2024-05-31T08:30:00.000001Z",'
        b'"messages":[{"id":"00000000-0000-0000-0000-000000000003","role":"user","content":"\xc3\xa9",'
        b'"created_at":"2024-05-31T08:30:00.000001Z","metadata":{"a": 1.10}}]}\n',
    ]
    await import_lines(db, imported)
    assert await exported(db) == imported
    stored = await conversations.get(db, user_id=ada, conversation_id=UUID(int=2))
    assert stored
    assert stored.created_at == time


async def test_one_users_lines(db: dal.Database) -> None:
    await fill(db)
    everyone = await exported(db)
    adas = await exported(db, user_id="ada")
    assert adas == [line for line in everyone if json.loads(line)["user_id"] == "ada"]
    assert await exported(db, user_id="nobody") == []
    assert await exported(db, user_id="stranger") == []


async def test_a_snapshot(
    db: dal.Database, chat: dal.Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tasks.create(db, user_id=chat.user_id, title="a")
    before = await exported(db)

    async def late(*args: Any, **options: Any) -> Any:
        page = await owners(*args, **options)
        own: dict[str, Any] = {"user_id": chat.user_id, "conversation_id": chat.id}
        await messages.create(db, **own, role="user", content="late")
        await tasks.create(db, user_id=chat.user_id, title="late")
        return page

    owners = export_statements.owners
    with monkeypatch.context() as patch:
        patch.setattr(export_statements, "owners", late)
        assert await exported(db) == before
    assert await exported(db) != before


async def test_nothing_is_open_while_lines_are_read(
    db: dal.Database, chat: dal.Conversation
) -> None:
    for export in (export_everyone(db), export_lines(db, user_id=chat.user_id)):
        await anext(export)  # and left there
        assert db.stats().in_use == 0


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE users ALTER id TYPE char(12)",
        """
        ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey;
        ALTER TABLE conversations DROP CONSTRAINT conversations_user_id_fkey;
        DELETE FROM users
        """,
    ],
)
async def test_whoever_has_rows_is_an_owner(db: dal.Database, change: str) -> None:
    """Also over a users table that was there before dal, and holds other ids."""
    await fill(db)
    everyone, adas = await exported(db), await exported(db, user_id="ada")
    assert adas
    await db.execute(change)
    assert await exported(db) == everyone
    assert await exported(db, user_id="ada") == adas


async def test_metadata_that_is_larger_on_disk_than_as_text(
    db: dal.Database, chat: dal.Conversation
) -> None:
    """A page is cut by what rows take on disk, and that is no reason to end a conversation."""
    own: dict[str, Any] = {"user_id": chat.user_id, "conversation_id": chat.id}
    digits = [number % 10 for number in range(150)]
    new = dal.NewMessage(role="user", content="", metadata=digits)
    await messages.create_many(db, **own, messages=[new] * 1000)
    await messages.create_many(db, **own, messages=[new] * 1000)
    [line] = await exported(db, user_id=chat.user_id)
    assert len(json.loads(line)["messages"]) == 2000
