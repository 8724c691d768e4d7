"""Nobody reads, changes or learns about another user's rows, through any public function.

The functions are those of tests/surface.py, so a new one is covered by itself.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
from pydantic import BaseModel

import dal
from dal import Cursor, Database, NewMessage, NewTask, conversations, messages, tasks
from dal.errors import ConflictError, DalError, InvalidInputError, NotFoundError
from dal.jsonl import import_lines
from dal.testing.server import Postgres
from tests.surface import (
    EXISTING,
    FUNCTIONS,
    ID,
    NOBODY,
    STRANGERS,
    THREE,
    VALUES,
    Function,
    arguments,
    call,
    fill,
    settle,
    snapshot,
    variants,
)

OWN = UUID("b0b00000-0000-4000-8000-000000000000")  # of the stranger's conversation, message, task
ADAS_IDS = [ID, *THREE]
KNOWN = {OWN, *ADAS_IDS}

# Ada's ids, and what else the stranger may pass in their place.
IDS: dict[str, list[Any]] = {name: [ID, OWN] for name in ("id", *EXISTING)}
IDS |= {
    "messages": [
        VALUES["messages"],
        [NewMessage(role="user", content="Mine", metadata=None, id=id_) for id_ in ADAS_IDS],
    ],
    "tasks": [
        VALUES["tasks"],
        [NewTask(title="Mine", description=None, id=id_) for id_ in ADAS_IDS],
    ],
}


class Refused(NamedTuple):
    """All that an error tells a caller."""

    error: type[DalError]
    text: str


async def outcome(function: Function, db: Any, values: Mapping[str, Any]) -> Any:
    """What a caller gets to know from a call."""
    try:
        return lasting(await call(function, db, values))
    except (NotFoundError, ConflictError) as error:
        return Refused(type(error), str(error))


def lasting(value: Any) -> Any:
    """A result without what differs from one call to the next: times, and ids made by the call."""
    match value:
        case list():
            return [lasting(item) for item in value]
        case BaseModel():
            return {name: lasting(field) for name, field in value}
        case datetime():
            return datetime
        case UUID():
            return value if value in KNOWN else UUID
    return value


async def places(db: Any) -> dict[str, list[Any]]:
    """For each module, places next to ada's rows: her records, and cursors of them."""
    adas: dict[str, Any] = {
        "conversations": await conversations.get(db, user_id="ada", conversation_id=ID),
        "messages": await messages.get(db, user_id="ada", message_id=ID),
        "tasks": await tasks.get(db, user_id="ada", task_id=ID),
    }
    return {module: [record, Cursor.parse(str(record.cursor))] for module, record in adas.items()}


def calls(name: str, near: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """A function's arguments, in every mixture of ada's ids and places with the stranger's own."""
    for variant in variants(FUNCTIONS[name], VALUES):
        options = IDS | {
            place: [variant[place], *near[name.partition(".")[0]]]
            for place in ("before", "after")
            if place in variant
        }
        mixed = sorted(options.keys() & variant.keys())
        for picked in product(*(options[parameter] for parameter in mixed)):
            yield variant | dict(zip(mixed, picked, strict=True))


@pytest.fixture
async def without_ada(dal_server: Postgres, dal_template: str) -> AsyncIterator[Database]:
    """A second database, in which ada has never been."""
    url = dal_server.create(dal_template)
    async with dal.connect(url, min_size=1) as db:
        yield db
    dal_server.drop(url)


def test_the_surface_is_found() -> None:
    assert len(FUNCTIONS) >= 27
    assert {"users.erase", "messages.stream", "tasks.update"} <= FUNCTIONS.keys()


# An id is its owner's alone, so the stranger may even have rows with ada's ids.
@pytest.mark.parametrize(
    ("stranger", "own_id"), [("bob", ID), *((stranger, OWN) for stranger in STRANGERS)]
)
async def test_another_user_gets_what_they_would_get_without_ada(
    db: Database, without_ada: Database, stranger: str, own_id: UUID
) -> None:
    await fill(db)
    adas, near = await snapshot(db), await places(db)
    assert len(adas) == 10
    answered = set()
    for name, function in FUNCTIONS.items():
        for mixture in calls(name, near):
            variant = mixture | {"user_id": stranger}
            outcomes = []
            for world in (db, without_ada):
                await settle(world, stranger, own_id)
                outcomes.append(await outcome(function, world, variant))
            assert outcomes[0] == outcomes[1], (name, variant)
            assert [row for row in await snapshot(db) if row[1] == "ada"] == adas, (name, variant)
            if outcomes[0] and not isinstance(outcomes[0], Refused):
                answered.add(name)
                assert all(
                    variant[parameter] == own_id for parameter in EXISTING & variant.keys()
                ), (
                    name,
                    variant,
                )
    assert answered == FUNCTIONS.keys()


async def test_another_user_never_waits_for_adas_rows(db: Database, url: str) -> None:
    await fill(db)
    url += ("&" if "?" in url else "?") + "lock_timeout=100ms"
    async with dal.connect(url, min_size=1) as impatient, db.transaction() as holder:
        for table in ("messages", "tasks", "conversations"):
            await holder.execute(f"SELECT FROM {table} WHERE user_id = 'ada' FOR UPDATE")
        for function, new_id in product(FUNCTIONS.values(), (ID, OWN)):
            await settle(impatient, "bob", ID)
            values = VALUES | {"user_id": "bob", "id": new_id}
            await call(function, impatient, arguments(function, values))
        message = {"role": "user", "content": "One more", "id": str(OWN)}
        line = json.dumps({"id": str(ID), "messages": [message]}).encode()
        summary = await import_lines(impatient, [line, line], user_id="bob")
        assert (summary.messages, summary.known_messages) == (1, 1)


@pytest.mark.parametrize("stranger", ["nobody", "%", "*"])
async def test_an_unknown_user_finds_and_leaves_nothing(db: Database, stranger: str) -> None:
    await fill(db)
    before = await snapshot(db)
    for name, function in FUNCTIONS.items():
        if name != "users.ensure":
            for variant in variants(function, VALUES | {"user_id": stranger}):
                result = await outcome(function, db, variant)
                assert not result or isinstance(result, Refused), name
                assert await snapshot(db) == before, name


async def test_what_is_no_user_id_is_never_everyone(db: Database) -> None:
    await fill(db)
    before = await snapshot(db)
    for user_id in NOBODY:
        for name, function in FUNCTIONS.items():
            for variant in variants(function, VALUES | {"user_id": user_id}):
                with pytest.raises(InvalidInputError, match=f"^{name}.*: user_id: "):
                    await call(function, db, variant)
        assert await snapshot(db) == before


# What stands between two users even where a statement forgets the owner.
MIXED = [
    "INSERT INTO messages (user_id, conversation_id, role, content) VALUES ('bob', $1, 'user', $2)",
    "INSERT INTO messages (user_id, conversation_id, role, content) VALUES ('ada', $2, 'user', $1)",
    "UPDATE messages SET conversation_id = $2 WHERE user_id = 'ada' AND id = $1",
    "UPDATE messages SET conversation_id = $1 WHERE user_id = 'bob' AND id = $2",
    "UPDATE messages SET user_id = 'bob' WHERE id = $1 AND id <> $2",
    "UPDATE messages SET user_id = 'ada' WHERE id = $2 AND id <> $1",
    "UPDATE conversations SET user_id = 'bob' WHERE id = $1 AND id <> $2",
]


async def test_no_statement_puts_a_message_into_anothers_conversation(db: Database) -> None:
    await fill(db)
    await settle(db, "bob", OWN)
    before = await snapshot(db)
    for statement in MIXED:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await db.execute(statement.replace("$1", f"'{ID}'").replace("$2", f"'{OWN}'"))
        assert await snapshot(db) == before
