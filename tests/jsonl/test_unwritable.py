"""What can't be written is named, and all else is written."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest

import dal
from dal import NewMessage, NewTask, conversations, messages, tasks
from dal.errors import SchemaMismatchError
from dal.jsonl import export_everyone, export_lines
from tests.jsonl.test_command import run

# Reading a message fails, as it does where PostgreSQL can't print its metadata, or finds a block of
# it damaged, or a text that is in no encoding.
UNREADABLE = f"""
    CREATE FUNCTION unreadable(code text) RETURNS jsonb LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 's3cr3t' USING ERRCODE = code; END $$;
    ALTER TABLE messages RENAME TO stored;
    CREATE VIEW messages AS
    SELECT
        {", ".join(name for name in dal.Message.model_fields if name != "metadata")},
        CASE WHEN metadata ? 'code' THEN unreadable(metadata ->> 'code') ELSE metadata END
            AS metadata
    FROM stored
"""
NO_RULES = """
    ALTER TABLE messages ALTER content DROP NOT NULL;
    ALTER TABLE conversations DROP CONSTRAINT chk_conversation_status;
"""
ITS_TIMES = "one of its times is before the year 1 or after 9999"
# What is wrong with a row of the table, and the reason that is given for its conversation or task.
DAMAGES = [
    ("messages", """metadata = '{"code": "54000"}'""", "more than PostgreSQL can print"),
    ("messages", """metadata = '{"code": "XX001"}'""", "SQLSTATE XX001"),
    ("messages", """metadata = '{"code": "22021"}'""", "SQLSTATE 22021"),
    ("messages", "created_at = '10000-01-01'", "a time before the year 1 or after 9999"),
    ("messages", "created_at = 'infinity'", "created_at: Input should have timezone info"),
    ("messages", "created_at = '0001-01-01Z'", "created_at: Input should be greater than"),
    ("messages", "content = NULL", "content: Input should be a valid string"),
    ("conversations", "created_at = '0044-03-15 BC'", ITS_TIMES),
    ("conversations", "updated_at = 'infinity'", ITS_TIMES),
    ("conversations", "archived_at = '-infinity'", ITS_TIMES),
    ("conversations", "status = 'gone'", "status: Input should be 'active' or 'archived'"),
    ("tasks", "created_at = '0044-03-15 BC'", "a time before the year 1 or after 9999"),
    (
        "tasks",
        "completed = true, completed_at = 'infinity'",
        "completed_at: Input should have timezone info",
    ),
]
BAD = UUID(int=1)  # the first of them
GOOD = [UUID(int=0), *(UUID(int=2**64 * n) for n in range(1, 20)), UUID(int=2**128 - 1)]


@pytest.fixture
async def filled(db: dal.Database, ada: str, bob: str) -> dal.Database:
    """Good tasks and conversations of two users, and those of ada's which are to be damaged."""
    bad = [UUID(int=n) for n in range(1, len(DAMAGES) + 1)]
    for user, ids in ((ada, [*GOOD, *bad]), (bob, GOOD)):
        await tasks.create_many(
            db, user_id=user, tasks=[NewTask(title="Milk", id=id_) for id_ in ids]
        )
        for own_id in ids:
            await conversations.create(db, user_id=user, id=own_id)
            new = [NewMessage(role="user", content=f"{n}") for n in range(4)]
            await messages.create_many(db, user_id=user, conversation_id=own_id, messages=new)
    return db


def listed(lines: list[bytes]) -> list[tuple[str, str, str]]:
    """Whose line it is, its kind and its id; a conversation's with all of its messages."""
    entries = []
    for line in map(json.loads, lines):
        if "task" in line:
            entries.append((line["user_id"], "task", line["task"]["id"]))
        else:
            assert [message["content"] for message in line["messages"]] == ["0", "1", "2", "3"]
            entries.append((line["user_id"], "conversation", line["id"]))
    return entries


@pytest.mark.parametrize("rows", [1000, 3])
async def test_it_is_named_and_all_else_is_written(
    filled: dal.Database, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr("dal.jsonl.exporting._ROWS", rows)
    before = listed([line async for line in export_everyone(filled)])
    await filled.execute(NO_RULES)
    for n, (table, damage, _) in enumerate(DAMAGES, start=1):
        which = "conversation_id = $1 AND content = '2'" if table == "messages" else "id = $1"
        await filled.execute(f"UPDATE {table} SET {damage} WHERE {which}", UUID(int=n))
    await filled.execute(UNREADABLE)
    left_out: list[tuple[Any, ...]] = []
    lines = [
        line
        async for line in export_everyone(filled, unwritable=lambda *left: left_out.append(left))
    ]
    expected = {
        ("ada", "task" if table == "tasks" else "conversation", UUID(int=n)): reason
        for n, (table, _, reason) in enumerate(DAMAGES, start=1)
    }
    assert {(owner, kind, own_id) for owner, kind, own_id, _ in left_out} == expected.keys()
    assert len(left_out) == len(expected)
    assert [reason for *item, reason in left_out if expected[tuple(item)] not in reason] == []
    assert "s3cr3t" not in str(left_out)
    named = {(owner, kind, str(own_id)) for owner, kind, own_id in expected}
    assert listed(lines) == [row for row in before if row not in named]

    hers = [line async for line in export_lines(filled, user_id="ada", unwritable=lambda *_: None)]
    assert hers == [line for line in lines if json.loads(line)["user_id"] == "ada"]
    for export in (export_everyone(filled), export_lines(filled, user_id="ada")):
        with pytest.raises(SchemaMismatchError, match=r"the task \S+ can't be written: "):
            await anext(export)
    assert filled.stats().in_use == 0


async def test_of_a_long_conversation_nothing_is_written(
    db: dal.Database, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first lines are full long before the message at fault is met."""
    monkeypatch.setattr("dal.jsonl.lines.LINE_MESSAGES", 2)
    monkeypatch.setattr("dal.jsonl.exporting._ROWS", 2)
    chats = [await conversations.create(db, user_id=ada) for _ in range(3)]
    for chat in chats:
        new = [NewMessage(role="user", content=f"{n}") for n in range(9)]
        await messages.create_many(db, user_id=ada, conversation_id=chat.id, messages=new)
    bad = sorted(chat.id for chat in chats)[1]
    await db.execute(
        "UPDATE messages SET created_at = 'infinity' WHERE content = '8' AND conversation_id = $1",
        bad,
    )
    left_out: list[tuple[Any, ...]] = []
    lines = [
        json.loads(line)
        async for line in export_lines(
            db, user_id=ada, unwritable=lambda *left: left_out.append(left)
        )
    ]
    assert [row[2] for row in left_out] == [bad]
    assert [line["id"] for line in lines] == [
        str(own) for own in sorted(chat.id for chat in chats) if own != bad for _ in range(5)
    ]


async def test_the_command_names_it_and_fails(filled: dal.Database, url: str) -> None:
    full = await asyncio.to_thread(run, url, "export")
    await filled.execute(f"UPDATE tasks SET updated_at = 'infinity' WHERE id = '{BAD}'")
    some = await asyncio.to_thread(run, url, "export")
    assert (full.returncode, some.returncode) == (0, 1)
    assert some.stderr.startswith(f"left out the task {BAD}: ".encode())
    kept = [
        entry for entry in listed(full.stdout.splitlines()) if entry != ("ada", "task", str(BAD))
    ]
    assert listed(some.stdout.splitlines()) == kept


@pytest.mark.slow  # the server prints a gigabyte before it gives up
async def test_metadata_that_postgresql_can_take_and_never_print(filled: dal.Database) -> None:
    before = [line async for line in export_everyone(filled)]
    numbers = f"[{','.join(['1e-16383'] * 72_000)}]"
    await filled.execute(
        "UPDATE messages SET metadata = $1::text::jsonb WHERE conversation_id = $2", numbers, BAD
    )
    left_out: list[tuple[Any, ...]] = []
    lines = [
        line
        async for line in export_everyone(filled, unwritable=lambda *left: left_out.append(left))
    ]
    assert [(*row[:3], "can print" in row[3]) for row in left_out] == [
        ("ada", "conversation", BAD, True)
    ]
    assert len(lines) == len(before) - 1
