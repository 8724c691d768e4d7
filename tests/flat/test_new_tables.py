"""A service that is started on empty tables reads no more when they have been filled."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

import dal
from dal import Cursor
from tests.surface import FUNCTIONS, VALUES, arguments, call

SIZE = 20_000
# Before any plan is made: it makes all plans anew, as autovacuum's ANALYZE does.
NO_AUTOVACUUM = """
    ALTER TABLE users SET (autovacuum_enabled = false);
    ALTER TABLE tasks SET (autovacuum_enabled = false);
    ALTER TABLE conversations SET (autovacuum_enabled = false);
    ALTER TABLE messages SET (autovacuum_enabled = false);
"""


def fill(name: str, size: int) -> bytes:
    """A talker's conversation of many messages, and a collector of many conversations and tasks."""
    talker = "talker" if name == "many" else f"{name} talker"
    collector = "collector" if name == "many" else f"{name} collector"
    return f"""
        INSERT INTO users (id) VALUES ('{talker}'), ('{collector}');
        INSERT INTO conversations (id, user_id) VALUES ('{UUID(int=1)}', '{talker}');
        INSERT INTO conversations (id, user_id)
        SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, '{collector}'
        FROM generate_series(1, {size}) AS n;
        INSERT INTO tasks (id, user_id, title)
        SELECT id, user_id, 'Milk' FROM conversations WHERE user_id = '{collector}';
        INSERT INTO messages (id, user_id, conversation_id, role, content)
        SELECT id, user_id, id, 'user', 'Milk' FROM conversations WHERE user_id = '{collector}';
        INSERT INTO messages (user_id, conversation_id, role, content)
        SELECT '{talker}', '{UUID(int=1)}', 'user', 'Milk' FROM generate_series(1, {size})
    """.encode()


READ = """
    SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS rows
    FROM pg_stat_xact_user_tables
"""
# Their cost is that of what they delete or count.
GROWING = {"users.erase", "users.delete", "conversations.delete", "messages.count"}
# Of a conversation that came after ANALYZE the planner expects a row at the most, which costs
# nothing to sort, and no form of the statement says otherwise; autovacuum ends that.
UNKNOWN = {
    "conversations.get_with_messages",
    "messages.create_and_history",
    "messages.history",
    "messages.stream",
}


def arguments_of(name: str, user_id: str) -> dict[str, Any]:
    first = UUID(int=1)
    keys = dict.fromkeys(("conversation_id", "task_id", "message_id"), first)
    later = Cursor(datetime(9000, 1, 1, tzinfo=UTC), first)
    values = {"user_id": user_id, "limit": 20, "page_size": 1000, "before": later, "id": uuid4()}
    values["after"] = later  # the end of a stream, which is a single page
    return arguments(FUNCTIONS[name], VALUES | keys | values)


class UndoneError(Exception):
    pass


async def rows_read(db: dal.Database, name: str, user_id: str) -> int:
    """How many rows a call reads; it is undone."""
    rows = 0
    with suppress(UndoneError):
        async with db.transaction() as tx:
            [[before]] = await tx.fetch(READ)
            with suppress(dal.errors.NotFoundError):
                async with tx.transaction() as inner:
                    await call(FUNCTIONS[name], inner, arguments_of(name, user_id))
            [[after]] = await tx.fetch(READ)
            rows = after - before
            raise UndoneError
    return rows


@pytest.mark.parametrize("state", ["never analysed", "analysed empty", "with a few rows"])
async def test_plans_made_on_new_tables_are_not_kept(url: str, state: str) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(NO_AUTOVACUUM)
        if state == "with a few rows":
            owner.execute(fill("first", 50))
        if state != "never analysed":
            owner.execute("VACUUM ANALYZE users, tasks, conversations, messages")
        async with dal.connect(url, min_size=1, max_size=1) as db:
            for name in FUNCTIONS:
                for _ in range(7):  # from the sixth on a plan is kept
                    await rows_read(db, name, "talker")
            owner.execute(fill("many", SIZE))
            many = {
                (name, user_id): rows
                for name in FUNCTIONS.keys() - GROWING - (UNKNOWN if "few" in state else set())
                for user_id in ("talker", "collector")
                if (rows := await rows_read(db, name, user_id)) > 100
            }
    assert many == {}


async def test_a_lent_connection_comes_back_as_new(url: str) -> None:
    async with dal.connect(url, min_size=1, max_size=1) as db:
        async with db.acquire() as connection:
            await connection.execute("SET plan_cache_mode = auto")
        [[mode]] = await db.fetch("SHOW plan_cache_mode")
        assert mode == "force_custom_plan"


async def test_a_migration_at_work_keeps_nobody_from_connecting(db: dal.Database, url: str) -> None:
    async with db.transaction() as migration:
        await migration.execute("LOCK TABLE conversations, messages")
        async with asyncio.timeout(10), dal.connect(url, min_size=1) as later:
            await later.ping()


async def test_tables_that_have_rows_are_planned_as_usual(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(fill("many", 600))
        owner.execute("ANALYZE")
    async with dal.connect(url, min_size=1) as later:
        [[mode]] = await later.fetch("SHOW plan_cache_mode")
    assert mode == "auto"
