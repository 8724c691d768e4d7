"""What a table has is in the lines, or said to be left out."""

import asyncio
import logging
from typing import Any
from uuid import uuid4

import pytest

import dal
from dal import conversations, messages, migrate, tasks
from dal.jsonl import export_everyone, export_lines, import_lines
from dal.messages import MessageRole
from tests.jsonl.test_command import spawned
from tests.surface import VALUES, variants

TABLES = ("conversations", "messages", "tasks")
# Of all tables whose rows have an owner.
COLUMNS = """
    SELECT relname, col.attname, format('%I.%I', relname, col.attname)
    FROM pg_attribute AS owner
    JOIN pg_class ON owner.attrelid = pg_class.oid
    JOIN pg_attribute AS col ON col.attrelid = pg_class.oid
    WHERE owner.attname = 'user_id' AND relkind = 'r'
        AND relnamespace = current_schema()::regnamespace
        AND col.attnum > 0 AND NOT col.attisdropped
"""


async def values(db: dal.Database, table: str, column: str) -> list[Any]:
    """What a column holds, by row."""
    rows = await db.fetch(f"SELECT {column}::text AS value FROM {table} ORDER BY user_id, id")
    return [row["value"] for row in rows]


async def test_every_column_comes_back(db: dal.Database, ada: str, empty_database: str) -> None:
    """A new column has to be filled here, and then to be in the lines."""
    for user in (ada, (await dal.users.ensure(db, user_id="bob")).id):
        for archived in (False, True):
            chat = await conversations.create(db, user_id=user)
            given = VALUES | {"user_id": user, "conversation_id": chat.id}
            for role, message in zip(MessageRole, variants(messages.create, given), strict=True):
                own = {"id": uuid4(), "role": role, "content": f"{role} {archived}"}
                await messages.create(db, **message | own)
            description = None if archived else "d"
            task = await tasks.create(db, user_id=user, title=f"{chat.id}", description=description)
            if archived:
                await conversations.archive(db, user_id=user, conversation_id=chat.id)
                await tasks.complete(db, user_id=user, task_id=task.id)
    lines = [line async for line in export_everyone(db)]
    migrate.apply(empty_database)
    async with dal.connect(empty_database, min_size=1) as other:
        await import_lines(other, lines)
        for table, column, name in await db.fetch(COLUMNS):
            here = await values(db, table, column)
            assert len(set(here)) > 1, f"{name} holds only one value: fill it"
            assert await values(other, table, column) == here, f"{name} does not come back"


async def test_a_column_that_lines_have_no_place_for_is_named(
    db: dal.Database, url: str, chat: dal.Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    assert [line async for line in export_everyone(db)]
    assert caplog.records == []
    for table in TABLES:
        await db.execute(f"ALTER TABLE {table} ADD COLUMN mood text")
    await db.execute("ALTER TABLE messages ADD COLUMN length int GENERATED ALWAYS AS (1) STORED")
    for lines in (export_everyone(db), export_lines(db, user_id=chat.user_id)):
        assert [line async for line in lines]
        logged = [(record.name, record.levelno, record.getMessage()) for record in caplog.records]
        assert sorted(logged) == [
            ("dal", logging.WARNING, f"{table}.mood is not exported: lines have no place for it")
            for table in TABLES
        ]
        caplog.clear()
    out = await asyncio.to_thread(spawned, url, "export")
    assert out.returncode == 0
    assert b"messages.mood is not exported" in out.stderr
