"""What can't be written is named, and all else is written."""

import json
from typing import Any
from uuid import UUID

import pytest

import dal
from dal import NewMessage, conversations, messages, tasks
from dal.errors import SchemaMismatchError
from dal.jsonl import export_everyone, export_lines
from tests.jsonl.test_command import run

BAD, GOOD = UUID(int=1), [UUID(int=0), UUID(int=2), UUID(int=2**128 - 1)]

# Reading one message fails, as it does where PostgreSQL can't print its metadata or finds a block
# of it damaged.
UNREADABLE = f"""
    CREATE FUNCTION unreadable() RETURNS jsonb LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 's3cr3t' USING ERRCODE = '%s'; END $$;
    ALTER TABLE messages RENAME TO stored;
    CREATE VIEW messages AS
    SELECT
        id, conversation_id, user_id, role, content, created_at,
        CASE WHEN conversation_id = '{BAD}' AND content = '2' THEN unreadable() ELSE metadata END
            AS metadata
    FROM stored
"""

CONVERSATIONS = {
    "metadata that can't be printed": (UNREADABLE % "54000", "more than PostgreSQL can print"),
    "a damaged block": (UNREADABLE % "XX001", "SQLSTATE XX001"),
    "a text in no encoding": (UNREADABLE % "22021", "SQLSTATE 22021"),
    "a message after 9999": (
        f"UPDATE messages SET created_at = '10000-01-01' WHERE conversation_id = '{BAD}'",
        "a time that Python has none for",
    ),
    "a message at no time": (
        f"UPDATE messages SET created_at = 'infinity' WHERE conversation_id = '{BAD}'",
        "created_at: Input should have timezone info",
    ),
    "a message at the first time": (
        f"UPDATE messages SET created_at = '0001-01-01Z' WHERE conversation_id = '{BAD}'",
        "created_at: Input should be greater than",
    ),
    "a message without content": (
        "ALTER TABLE messages ALTER content DROP NOT NULL;"
        f"UPDATE messages SET content = NULL WHERE conversation_id = '{BAD}' AND content = '2'",
        "content: Input should be a valid string",
    ),
    "a conversation made before Christ": (
        f"UPDATE conversations SET created_at = '0044-03-15 BC' WHERE id = '{BAD}'",
        "one of its times is before the year 1",
    ),
    "a conversation that is always recent": (
        f"UPDATE conversations SET updated_at = 'infinity' WHERE id = '{BAD}'",
        "one of its times is before the year 1 or after 9999",
    ),
    "a conversation that is archived for good": (
        f"UPDATE conversations SET archived_at = 'infinity' WHERE id = '{BAD}'",
        "one of its times is before the year 1 or after 9999",
    ),
    "a conversation of another status": (
        "ALTER TABLE conversations DROP CONSTRAINT chk_conversation_status;"
        f"UPDATE conversations SET status = 'gone' WHERE id = '{BAD}'",
        "status: Input should be 'active' or 'archived'",
    ),
}
TASKS = {
    "a task made before Christ": (
        f"UPDATE tasks SET created_at = '0044-03-15 BC' WHERE id = '{BAD}'",
        "a time that Python has none for",
    ),
    "a task that is never completed": (
        f"UPDATE tasks SET completed = true, completed_at = 'infinity' WHERE id = '{BAD}'",
        "completed_at: Input should have timezone info",
    ),
}
DAMAGES = [("conversation", *one) for one in CONVERSATIONS.values()]
DAMAGES += [("task", *one) for one in TASKS.values()]


@pytest.fixture
async def filled(db: dal.Database, ada: str, bob: str) -> dal.Database:
    for user in (ada, bob):
        for own in (BAD, *GOOD):
            await tasks.create(db, user_id=user, title="a", id=own)
            await conversations.create(db, user_id=user, id=own)
            new = [NewMessage("user", f"{n}") for n in range(4)]
            await messages.create_many(db, user_id=user, conversation_id=own, messages=new)
    # Only ada's are at fault.
    await db.execute(f"DELETE FROM conversations WHERE user_id = 'bob' AND id = '{BAD}'")
    await db.execute(f"DELETE FROM tasks WHERE user_id = 'bob' AND id = '{BAD}'")
    return db


def ids(lines: list[bytes]) -> list[tuple[str, str, str]]:
    """Whose line it is, its kind and its id; a conversation's with all of its messages."""
    found = []
    for line in map(json.loads, lines):
        if "task" in line:
            found.append((line["user_id"], "task", line["task"]["id"]))
        else:
            assert [one["content"] for one in line["messages"]] == ["0", "1", "2", "3"]
            found.append((line["user_id"], "conversation", line["id"]))
    return found


@pytest.mark.parametrize(("kind", "damage", "reason"), DAMAGES, ids=[*CONVERSATIONS, *TASKS])
async def test_it_is_named_and_all_else_is_written(
    filled: dal.Database, kind: str, damage: str, reason: str
) -> None:
    before = ids([line async for line in export_everyone(filled)])
    await filled.execute(damage)
    left_out: list[tuple[Any, ...]] = []
    lines = [
        line async for line in export_everyone(filled, unwritable=lambda *one: left_out.append(one))
    ]
    [(*item, said)] = left_out
    assert tuple(item) == ("ada", kind, BAD)
    assert reason in said
    assert "s3cr3t" not in said
    assert ids(lines) == [one for one in before if one != ("ada", kind, str(BAD))]

    hers = [line async for line in export_lines(filled, user_id="ada", unwritable=lambda *_: None)]
    assert hers == [line for line in lines if json.loads(line)["user_id"] == "ada"]
    for found in (export_everyone(filled), export_lines(filled, user_id="ada")):
        with pytest.raises(SchemaMismatchError, match=f"the {kind} {BAD} can't be written: "):
            await anext(found)
    assert filled.stats().in_use == 0


async def test_of_a_long_conversation_nothing_is_written(
    db: dal.Database, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first lines are full long before the message at fault is met."""
    monkeypatch.setattr("dal.jsonl.lines.LINE_MESSAGES", 2)
    monkeypatch.setattr("dal.jsonl.exporting._ROWS", 2)
    chats = [await conversations.create(db, user_id=ada) for _ in range(3)]
    for chat in chats:
        new = [NewMessage("user", f"{n}") for n in range(9)]
        await messages.create_many(db, user_id=ada, conversation_id=chat.id, messages=new)
    bad = sorted(chat.id for chat in chats)[1]
    await db.execute(
        "UPDATE messages SET created_at = 'infinity' WHERE content = '8' AND conversation_id = $1",
        bad,
    )
    left_out: list[tuple[Any, ...]] = []
    found = [
        json.loads(line)
        async for line in export_lines(
            db, user_id=ada, unwritable=lambda *one: left_out.append(one)
        )
    ]
    assert [one[2] for one in left_out] == [bad]
    assert [line["id"] for line in found] == [
        str(own) for own in sorted(chat.id for chat in chats) if own != bad for _ in range(5)
    ]


async def test_the_command_names_it_and_fails(filled: dal.Database, url: str) -> None:
    whole = run(url, "export")
    await filled.execute(f"UPDATE tasks SET updated_at = 'infinity' WHERE id = '{BAD}'")
    some = run(url, "export")
    assert (whole.returncode, some.returncode) == (0, 1)
    assert some.stderr.startswith(f"left out the task {BAD}: ".encode())
    kept = [one for one in ids(whole.stdout.splitlines()) if one != ("ada", "task", str(BAD))]
    assert ids(some.stdout.splitlines()) == kept


@pytest.mark.slow  # the server prints a gigabyte before it gives up
async def test_metadata_that_postgresql_can_take_and_never_print(filled: dal.Database) -> None:
    numbers = f"[{','.join(['1e-16383'] * 72_000)}]"
    await filled.execute(
        "UPDATE messages SET metadata = $1::text::jsonb WHERE conversation_id = $2", numbers, BAD
    )
    left_out: list[tuple[Any, ...]] = []
    lines = [
        line async for line in export_everyone(filled, unwritable=lambda *one: left_out.append(one))
    ]
    assert [(*one[:3], "can print" in one[3]) for one in left_out] == [
        ("ada", "conversation", BAD, True)
    ]
    assert len(lines) == 13
