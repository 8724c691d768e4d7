"""users: made, erased and deleted; also over a table that was there before dal."""

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
from dal.errors import ConflictError, SchemaMismatchError, UserNotFoundError
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
        message = await messages.create(
            connection, user_id="ada", conversation_id=chat.id, role="user", content="Hi"
        )
        touched = await conversations.touch(connection, user_id="ada", conversation_id=chat.id)
        times = [
            value
            for record in (user, task, message, touched)
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


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("timestamp", "2020-02-02 00:00:00"),
        ("date", "2020-02-02"),
        ("bigint", "1580601600"),
        ("text", "2020-02-02"),
        ("time", "00:00"),
        ("json", '"2020-02-02"'),
    ],
)
async def test_an_earlier_created_at_of_any_type(
    empty_database: str, type_: str, value: str
) -> None:
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute(f"""
            CREATE TABLE users (id text PRIMARY KEY, created_at {type_} DEFAULT '{value}');
            SET timezone = 'UTC';
            INSERT INTO users (id) VALUES ('ada'), ('eve')
        """)
        await connection.execute("UPDATE users SET created_at = NULL WHERE id = 'eve'")
        at = datetime(2020, 2, 2, tzinfo=UTC) if type_ in ("timestamp", "date") else None
        for user_id in ("ada", "bob"):
            made = User(id=user_id, created_at=at)
            assert await users.ensure(connection, user_id=user_id) == made
            assert await users.get(connection, user_id=user_id) == made
        assert await users.ensure(connection, user_id="eve") == User(id="eve", created_at=None)
    finally:
        await connection.close()


async def only_the_same_text_is_the_user(connection: asyncpg.Connection, other: str) -> None:
    """A table that takes another text for equal to `ada` still has one user of that id."""
    await connection.execute("INSERT INTO users VALUES ('ada')")
    ada = User(id="ada", created_at=None)
    assert await users.get(connection, user_id="ada") == ada
    assert await users.get(connection, user_id=other) is None
    assert await users.ensure(connection, user_id="ada") == ada
    with pytest.raises(ConflictError):
        await users.ensure(connection, user_id=other)
    with pytest.raises(UserNotFoundError):
        await users.erase(connection, user_id=other)
    assert await users.delete(connection, user_id=other) is False
    assert await users.delete(connection, user_id="ada") is True


async def test_an_earlier_id_that_is_padded(empty_database: str) -> None:
    migrate.apply(empty_database)
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute("ALTER TABLE users ALTER id TYPE char(12), DROP created_at")
        await only_the_same_text_is_the_user(connection, "ada ")
    finally:
        await connection.close()


async def test_an_earlier_id_in_any_case(database_with_icu: str) -> None:
    connection = await asyncpg.connect(database_with_icu)
    try:
        await connection.execute("""
            CREATE COLLATION any_case (
                provider = icu, locale = 'und-u-ks-level2', deterministic = false
            );
            CREATE TABLE users (id text COLLATE any_case PRIMARY KEY);
            CREATE TABLE tasks (user_id text);
            CREATE TABLE conversations (user_id text);
            CREATE TABLE messages (user_id text)
        """)
        await only_the_same_text_is_the_user(connection, "ADA")
    finally:
        await connection.close()
