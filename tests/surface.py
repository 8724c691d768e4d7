"""The public functions, found by inspection, and something to call each one with.

A new module and a new function are covered by themselves, and so is a new parameter that is an id
or a text; one of another type needs an entry in VALUES.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import dal
from dal import Cursor, NewMessage, NewTask, User, users

Function: TypeAlias = Callable[..., Any]

FUNCTIONS: dict[str, Function] = {
    f"{module}.{name}": function
    for module in dal.__all__
    if inspect.ismodule(getattr(dal, module))
    for name, function in inspect.getmembers(getattr(dal, module), inspect.isfunction)
    if function.__module__ == f"dal.{module}" and not name.startswith("_")
}

ID = UUID("ada00000-0000-4000-8000-000000000000")  # of a task, a conversation and a message
THREE = [UUID(int=ID.int + n) for n in (1, 2, 3)]
VALUES: dict[str, Any] = {
    "user_id": "ada",
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
    "messages": [
        NewMessage(role="user", content="Buy milk", metadata={"n": 1}, id=own_id)
        for own_id in THREE
    ],
    "tasks": [NewTask(title="Milk", description="Two litres", id=own_id) for own_id in THREE],
}
EXISTING = {
    parameter
    for function in FUNCTIONS.values()
    for parameter in inspect.signature(function).parameters
    if parameter.endswith("_id") and parameter != "user_id"
}
VALUES |= dict.fromkeys(EXISTING, ID)
# Conversations come first by the alphabet, too.
CREATING = sorted(name for name in FUNCTIONS if name.endswith((".create", ".create_many")))

# Most of these would match ada, were an id ever taken for a pattern, or trimmed, or folded.
STRANGERS = ["bob", "%", "_da", "ADA", "ada "]
# None of these is a user's id.
NOBODY: list[Any] = [None, "", "  ", "\N{NO-BREAK SPACE}", 0, 5, True, b"ada", ID]
NOBODY += [[], ["ada"], ("ada",), {"ada"}]


def variants(function: Function, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A function's arguments: all of them, and those that it requires."""
    _, *parameters = inspect.signature(function).parameters.values()
    every: dict[str, Any] = {parameter.name: parameter.name for parameter in parameters}
    every |= values
    yield {parameter.name: every[parameter.name] for parameter in parameters}
    yield {
        parameter.name: every[parameter.name]
        for parameter in parameters
        if parameter.default is parameter.empty
    }


def arguments(function: Function, values: Mapping[str, Any]) -> dict[str, Any]:
    """One of the values for every parameter of a function."""
    every, _ = variants(function, values)
    return every


async def call(function: Function, db: Any, values: Mapping[str, Any]) -> Any:
    """A function's result; a stream's as a list."""
    result = function(db, **values)
    if isinstance(result, AsyncIterator):
        async with asyncio.timeout(20):  # a stream that goes in circles never ends
            return [record async for record in result]
    return await result


async def snapshot(db: Any) -> list[tuple[str, ...]]:
    """Every row that is stored: its table, its owner, and the whole of it as text."""
    tables = await db.fetch("""
        SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE attname = 'user_id' AND relkind = 'r'
        AND relnamespace = current_schema()::regnamespace
    """)
    owner_of = {"users": "id"} | {table["relname"]: "user_id" for table in tables}
    every = [
        f"SELECT '{name}', {owner}, t::text FROM {name} AS t" for name, owner in owner_of.items()
    ]
    rows = await db.fetch(f"{' UNION ALL '.join(every)} ORDER BY 1, 2, 3")
    return [tuple(row) for row in rows]


async def fill(db: Any, values: Mapping[str, Any] = VALUES) -> None:
    """A user's rows (ada's), as the values describe them; what is there already stays."""
    await users.ensure(db, user_id=values["user_id"])
    for name in CREATING:
        await call(FUNCTIONS[name], db, arguments(FUNCTIONS[name], values))


def owners(result: Any) -> set[str]:
    """The users whose rows a result holds."""
    records = result if isinstance(result, list) else [result]
    named = {record.id for record in records if isinstance(record, User)}
    return named | {record.user_id for record in records if hasattr(record, "user_id")}


async def settle(db: Any, user_id: str, own_id: UUID | None = None) -> None:
    """A user with one conversation, one message and one task, all of the same id."""
    await users.delete(db, user_id=user_id)
    await users.ensure(db, user_id=user_id)
    own = VALUES | dict.fromkeys(["id", *EXISTING], own_id or uuid4()) | {"user_id": user_id}
    for name in CREATING:
        if not name.endswith("_many"):
            await call(FUNCTIONS[name], db, arguments(FUNCTIONS[name], own))
