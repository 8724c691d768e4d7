"""users: made, erased and deleted; also over an earlier phase's table."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from pydantic import ValidationError

from dal import (
    Conversation,
    Database,
    Erased,
    Executor,
    User,
    conversations,
    messages,
    migrate,
    tasks,
    users,
)
from dal.errors import SchemaMismatchError, UserNotFoundError
from tests.surface import fill, settle, snapshot


async def test_a_user_from_beginning_to_end(executor: Executor) -> None:
    assert await users.get(executor, user_id="eve") is None
    with pytest.raises(UserNotFoundError):
        await users.erase(executor, user_id="eve")
    assert await users.delete(executor, user_id="eve") is False

    eve = await users.ensure(executor, user_id="eve")
    assert eve.id == "eve"
    assert eve.created_at
    assert eve.created_at.tzinfo is UTC
    assert await users.ensure(executor, user_id="eve") == eve
    assert await users.get(executor, user_id="eve") == eve

    assert await users.delete(executor, user_id="eve") is True
    assert await users.get(executor, user_id="eve") is None


async def test_erase_takes_everything_but_the_user_and_delete_all(executor: Executor) -> None:
    await settle(executor, "bob")
    bobs = await snapshot(executor)
    await fill(executor)
    ada = await users.get(executor, user_id="ada")

    erased = await users.erase(executor, user_id="ada")
    assert erased == Erased(conversations=1, messages=4, tasks=4)
    assert await users.get(executor, user_id="ada") == ada
    assert len(await snapshot(executor)) == len(bobs) + 1
    again = await users.erase(executor, user_id="ada")
    assert again == Erased(conversations=0, messages=0, tasks=0)

    await fill(executor)
    assert await users.delete(executor, user_id="ada") is True
    assert await snapshot(executor) == bobs


async def test_any_text_that_is_not_blank_is_a_user_id(db: Database) -> None:
    for user_id in ("x", "ü" * 255, "🦉" * 255, " a ", "a'b\"c\\d:e$1", "\r\n."):
        made = await users.ensure(db, user_id=user_id)
        assert made.id == user_id
        assert await users.get(db, user_id=user_id) == made


def test_a_user_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        User(id="ada", created_at=None).id = "bob"


async def test_times_are_utc_whatever_the_session_says(url: str, chat: Conversation) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET timezone = 'Asia/Kathmandu'; SET datestyle = 'SQL, DMY'")
        user = await users.ensure(connection, user_id="eve")
        task = await tasks.create(connection, user_id="ada", title="Milk")
        task = await tasks.complete(connection, user_id="ada", task_id=task.id)
        said = await messages.create(
            connection, user_id="ada", conversation_id=chat.id, role="user", content="Hi"
        )
        touched = await conversations.touch(connection, user_id="ada", conversation_id=chat.id)
        times = [
            value
            for record in (user, task, said, touched)
            for _, value in record
            if isinstance(value, datetime)
        ]
        assert len(times) == 7
        assert {time.tzinfo for time in times} == {UTC}
        assert max(times) - min(times) < timedelta(minutes=1)
    finally:
        await connection.close()


async def test_an_earlier_table_without_created_at(empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute("""
            CREATE TABLE users (id varchar(255) PRIMARY KEY, email text NOT NULL);
            INSERT INTO users VALUES ('ada', 'ada@example.org')
        """)
        migrate.apply(empty_database)
        ada = User(id="ada", created_at=None)
        assert await users.ensure(connection, user_id="ada") == ada
        assert await users.get(connection, user_id="ada") == ada
        await conversations.create(connection, user_id="ada")
        await tasks.create(connection, user_id="ada", title="Milk")
        erased = await users.erase(connection, user_id="ada")
        assert erased == Erased(conversations=1, messages=0, tasks=1)

        with pytest.raises(SchemaMismatchError, match="users requires a email") as caught:
            await users.ensure(connection, user_id="eve")
        assert "eve" not in str(caught.value)
        assert await users.get(connection, user_id="eve") is None

        await connection.execute("ALTER TABLE users ALTER email DROP NOT NULL")
        eve = User(id="eve", created_at=None)
        assert await users.ensure(connection, user_id="eve") == eve
        assert await users.get(connection, user_id="eve") == eve
    finally:
        await connection.close()


async def test_an_earlier_table_with_text_ids_and_naive_times(empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute("""
            CREATE TABLE users (id text PRIMARY KEY, created_at timestamp DEFAULT '2020-02-02');
            SET timezone = 'UTC'
        """)
        migrate.apply(empty_database)
        made = await users.ensure(connection, user_id="ada")
        assert made == await users.get(connection, user_id="ada")
        assert made.created_at
        assert made.created_at.tzinfo is UTC
    finally:
        await connection.close()
