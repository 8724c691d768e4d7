"""What a role or a database sets for its sessions matters to no function."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import asyncpg
import pytest
from pydantic import BaseModel

import dal
from dal import NewMessage, conversations, errors, messages, users
from dal.database.session import STARTUP_SETTINGS
from dal.jsonl import export_lines, import_lines
from tests.faults.work import NEW, refilled
from tests.surface import FUNCTIONS, VALUES, arguments, call, snapshot

DEFAULTS = {
    "array_nulls": "off",
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "datestyle": "SQL, DMY",
    "default_transaction_deferrable": "on",
    "default_transaction_isolation": "serializable",
    "extra_float_digits": "-15",
    "intervalstyle": "sql_standard",
    "plan_cache_mode": "force_generic_plan",
    "quote_all_identifiers": "on",
    "search_path": "absent, public, pg_catalog",
    "standard_conforming_strings": "off",
    "timezone": "Asia/Kathmandu",
    "transform_null_equals": "on",
    "xmloption": "document",
}
WHOSE = {"database": "DATABASE %1$I", "role": "ROLE %2$I IN DATABASE %1$I"}


@pytest.fixture
async def watcher(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that keeps PostgreSQL's own defaults."""
    watcher = await asyncpg.connect(url)
    yield watcher
    await watcher.close()


@asynccontextmanager
async def defaults(watcher: asyncpg.Connection, of: str) -> AsyncIterator[None]:
    """New sessions of the database, or of the role, begin with other settings than usual."""
    whose = await watcher.fetchval(
        f"SELECT format('{WHOSE[of]}', current_database(), current_user)"
    )
    for setting, value in DEFAULTS.items():
        quoted = value if setting == "search_path" else f"'{value}'"
        await watcher.execute(f"ALTER {whose} SET {setting} = {quoted}")
    yield
    await watcher.execute(f"ALTER {whose} RESET ALL")


def without_times(value: Any) -> Any:
    """A result whose times are `now`, if they are, so that two can be compared."""
    if isinstance(value, list):
        return [without_times(item) for item in value]
    if isinstance(value, BaseModel):
        return type(value).__name__, without_times(dict(value))
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items()}
    if isinstance(value, datetime) and abs(datetime.now(UTC) - value) < timedelta(minutes=5):
        return "now"
    return value


async def seen(db: dal.Database, watcher: asyncpg.Connection) -> dict[str, Any]:
    """What each function returns, with what is stored then, and an export."""
    results = {}
    for name, function in FUNCTIONS.items():
        before = await refilled(watcher)
        values = arguments(function, VALUES | NEW)
        values["user_id"] = "bob" if name == "users.ensure" else "ada"
        result = await call(function, db, values)
        rows = [row[:2] for row in await snapshot(watcher)]
        results[name] = without_times(result), rows != [row[:2] for row in before], rows
    await refilled(watcher)
    exported = [line async for line in export_lines(db, user_id="ada")]
    await users.delete(watcher, user_id="ada")
    summary = await import_lines(db, exported)
    again = [line async for line in export_lines(db, user_id="ada")]
    assert again == exported
    return results | {"import": summary}


@pytest.mark.parametrize("of", WHOSE)
async def test_no_default_of_a_session_matters(
    watcher: asyncpg.Connection, url: str, of: str
) -> None:
    async with dal.connect(url, min_size=1) as db:
        usual = await seen(db, watcher)
    async with defaults(watcher, of), dal.connect(url, min_size=1) as db:
        [[zone]] = await db.fetch("SHOW timezone")
        assert zone == DEFAULTS["timezone"]
        assert await seen(db, watcher) == usual


async def test_a_date_is_itself_whatever_the_style(url: str) -> None:
    """A statement's times may go on to another server, which reads them in a style of its own."""
    address = f"{url}{'&' if '?' in url else '?'}datestyle=SQL,%20DMY"
    sixth_of_may = datetime(2026, 5, 6, tzinfo=UTC)
    async with dal.connect(address, min_size=1) as db:
        await db.execute("INSERT INTO users (id, created_at) VALUES ('ada', $1)", sixth_of_may)
        ada = await users.get(db, user_id="ada")
        assert ada
        assert ada.created_at == sixth_of_may
        async with db.acquire() as lent:
            await lent.execute("SET datestyle = German")
        [[style]] = await db.fetch("SHOW datestyle")
        assert style.startswith("ISO")


# Isolation


async def append(db: dal.Executor, chat: dal.Conversation, name: str) -> None:
    for number in range(5):
        await messages.create(
            db,
            user_id=chat.user_id,
            conversation_id=chat.id,
            role="user",
            content=f"{name} {number}",
        )


async def all_at_once(db: dal.Database, chat: dal.Conversation) -> None:
    """Many append to one conversation, in calls and in transactions, and all of them succeed."""

    async def block() -> None:
        async with db.transaction() as transaction:
            await append(transaction, chat, "block")

    await asyncio.gather(*(append(db, chat, f"{n}") for n in range(8)), block(), block())
    assert await messages.count(db, user_id=chat.user_id, conversation_id=chat.id) == 50


async def test_statements_and_blocks_run_at_read_committed(
    watcher: asyncpg.Connection, url: str, chat: dal.Conversation
) -> None:
    async with defaults(watcher, "database"), dal.connect(url, min_size=8, max_size=10) as db:
        assert await db.fetch("SHOW transaction_isolation") == [("read committed",)]
        async with db.transaction() as transaction:
            assert await transaction.fetch("SHOW transaction_isolation") == [("read committed",)]
        async with db.acquire() as lent:
            await lent.execute("SET default_transaction_isolation = 'repeatable read'")
        assert await db.fetch("SHOW transaction_isolation") == [("read committed",)]
        await all_at_once(db, chat)


@pytest.fixture
def serializable(url: str) -> str:
    """The database's URL with another default isolation."""
    return f"{url}{'&' if '?' in url else '?'}default_transaction_isolation=serializable"


async def test_the_address_s_isolation_does_not_matter_either(serializable: str) -> None:
    async with dal.connect(serializable, min_size=1) as db:
        assert await db.fetch("SHOW transaction_isolation") == [("read committed",)]


@pytest.fixture
async def strict(serializable: str) -> AsyncIterator[dal.Database]:
    """A database whose statements are serializable, as by a role's default behind a pooler."""
    with patch.dict(STARTUP_SETTINGS, clear=True):
        async with dal.connect(serializable, min_size=8, max_size=10) as strict:
            assert await strict.fetch("SHOW transaction_isolation") == [("serializable",)]
            yield strict


async def test_a_statement_of_its_own_that_conflicts_is_repeated(
    strict: dal.Database, db: dal.Database, chat: dal.Conversation
) -> None:
    await all_at_once(strict, chat)
    window = await messages.history(db, user_id=chat.user_id, conversation_id=chat.id, limit=50)

    async def both(number: int) -> list[dal.Message]:
        user = await users.ensure(strict, user_id="eve")
        own = await conversations.create(strict, user_id=user.id, id=UUID(int=number % 2))
        batch = [
            NewMessage(role="user", content="Buy milk"),
            NewMessage(role="user", content="Buy bread"),
        ]
        await messages.create_many(strict, user_id=user.id, conversation_id=own.id, messages=batch)
        return await messages.create_and_history(
            strict, user_id=user.id, conversation_id=own.id, role="user", content=f"{number}"
        )

    windows = await asyncio.gather(*(both(number) for number in range(10)))
    assert [window[-1].content for window in windows] == [f"{number}" for number in range(10)]
    for own_id in UUID(int=0), UUID(int=1):
        assert await messages.count(db, user_id="eve", conversation_id=own_id) == 15
    assert len(window) == 50


async def test_a_conflict_in_a_caller_s_transaction_is_the_caller_s(
    url: str, chat: dal.Conversation
) -> None:
    first, second = await asyncpg.connect(url), await asyncpg.connect(url)
    await first.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM conversations")
    await append(second, chat, "two")
    with pytest.raises(errors.TransactionConflictError, match="repeat") as raised:
        await append(first, chat, "one")
    assert raised.value.sqlstate == "40001"
    await first.close()
    await second.close()
