"""Nobody reads, changes or learns about another user's rows, through any public function.

The functions are found by inspection, so a new one is covered by itself; a parameter of a new
name needs an entry in VALUES.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID, uuid4

import pytest

from dal import Cursor, Database, NewMessage, NewTask, User, conversations, messages, tasks, users
from dal.errors import NotFoundError

Function: TypeAlias = Callable[..., Any]

FUNCTIONS: dict[str, Function] = {
    f"{module.__name__.removeprefix('dal.')}.{name}": function
    for module in (users, conversations, messages, tasks)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and not name.startswith("_")
}

ID = UUID("ada00000-0000-4000-8000-000000000000")  # of a task, a conversation and a message
THREE = [UUID(int=ID.int + n) for n in (1, 2, 3)]
VALUES: dict[str, Any] = {
    "user_id": "ada",
    "conversation_id": ID,
    "message_id": ID,
    "task_id": ID,
    "id": ID,
    "role": "user",
    "content": "Buy milk",
    "metadata": {"tool": "add_task", "params": {"title": "milk"}},
    "title": "Milk",
    "description": "Two litres",
    "status": "active",
    "completed": False,
    "limit": 1000,
    "page_size": 1000,
    "before": Cursor(datetime(9000, 1, 1, tzinfo=UTC), ID),
    "after": Cursor(datetime(1000, 1, 1, tzinfo=UTC), ID),
    "messages": [NewMessage("user", "Buy milk", {"n": 1}, own_id) for own_id in THREE],
    "tasks": [NewTask("Milk", "Two litres", own_id) for own_id in THREE],
}
ADAS = [
    "conversations.create",
    "messages.create",
    "messages.create_many",
    "tasks.create",
    "tasks.create_many",
]
EXISTING = {"conversation_id", "message_id", "task_id"}


def variants(function: Function, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A function's arguments: all of them, and those that it requires."""
    _, *parameters = inspect.signature(function).parameters.values()
    yield {one.name: values[one.name] for one in parameters}
    yield {one.name: values[one.name] for one in parameters if one.default is one.empty}


def arguments(function: Function, values: Mapping[str, Any]) -> dict[str, Any]:
    """One of the values for every parameter of a function."""
    every, _ = variants(function, values)
    return every


async def call(function: Function, db: Any, given: Mapping[str, Any]) -> Any:
    """A function's result; a stream's as a list."""
    result = function(db, **given)
    if isinstance(result, AsyncIterator):
        async with asyncio.timeout(20):  # a stream that goes in circles never ends
            return [record async for record in result]
    return await result


async def snapshot(db: Any) -> list[tuple[str, ...]]:
    """Every row that is stored: its table, its owner, and the whole of it as text."""
    rows = await db.fetch("""
        SELECT 'users', id, u::text FROM users AS u
        UNION ALL SELECT 'tasks', user_id, t::text FROM tasks AS t
        UNION ALL SELECT 'conversations', user_id, c::text FROM conversations AS c
        UNION ALL SELECT 'messages', user_id, m::text FROM messages AS m
        ORDER BY 1, 2, 3
    """)
    return [tuple(row) for row in rows]


async def fill(db: Any) -> None:
    """Ada's rows, as VALUES describes them."""
    await users.ensure(db, user_id="ada")
    for name in ADAS:
        await call(FUNCTIONS[name], db, arguments(FUNCTIONS[name], VALUES))


def owners(result: Any) -> set[str]:
    """The users whose rows a result holds."""
    records = result if isinstance(result, list) else [result]
    named = {record.id for record in records if isinstance(record, User)}
    return named | {record.user_id for record in records if hasattr(record, "user_id")}


class Refused(NamedTuple):
    """All that an error tells a caller."""

    error: type[NotFoundError]
    text: str


async def outcome(function: Function, db: Any, given: Mapping[str, Any]) -> Any:
    """What a caller gets to know from a call."""
    try:
        return await call(function, db, given)
    except NotFoundError as error:
        return Refused(type(error), str(error))


async def settle(db: Any, user_id: str) -> None:
    """A user with one conversation, one message and one task."""
    await users.delete(db, user_id=user_id)
    await users.ensure(db, user_id=user_id)
    own = VALUES | {"user_id": user_id, "id": uuid4()}
    own["conversation_id"] = (await conversations.create(db, user_id=user_id)).id
    await messages.create(db, **arguments(messages.create, own))
    await tasks.create(db, **arguments(tasks.create, own))


def test_the_surface_is_found() -> None:
    assert len(FUNCTIONS) >= 27
    assert {"users.erase", "messages.stream", "tasks.update"} <= FUNCTIONS.keys()


# Most of these would match ada, were an id ever taken for a pattern, or trimmed, or folded.
@pytest.mark.parametrize("stranger", ["bob", "%", "*", "_da", "ADA", "ada "])
async def test_another_user_with_all_of_adas_ids(db: Database, stranger: str) -> None:
    await fill(db)
    adas = await snapshot(db)
    assert len(adas) == 10
    for name, function in FUNCTIONS.items():
        for given in variants(function, VALUES | {"user_id": stranger}):
            await settle(db, stranger)
            found = await outcome(function, db, given)
            if EXISTING & given.keys():
                assert not found or isinstance(found, Refused), name
                unknown = given | dict.fromkeys(EXISTING & given.keys(), uuid4())
                assert found == await outcome(function, db, unknown), name
            else:
                assert owners(found) <= {stranger}, name
            assert [row for row in await snapshot(db) if row[1] == "ada"] == adas, name


@pytest.mark.parametrize("stranger", ["nobody", "%"])
async def test_an_unknown_user_finds_and_leaves_nothing(db: Database, stranger: str) -> None:
    await fill(db)
    before = await snapshot(db)
    for name, function in FUNCTIONS.items():
        if name != "users.ensure":
            for given in variants(function, VALUES | {"user_id": stranger}):
                found = await outcome(function, db, given)
                assert not found or isinstance(found, Refused), name
                assert await snapshot(db) == before, name
