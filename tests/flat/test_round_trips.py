"""Every function is one round trip on a warm pool, whatever it is given and whatever it finds.

Counted on the wire. The functions are those of tests/surface.py, so a new one is covered by itself.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from itertools import product
from typing import Any, Literal, NamedTuple
from uuid import uuid4

import asyncpg
import pytest

import dal
from dal import Executor, NewMessage, NewTask, messages, tasks, users
from dal.binding import query
from dal.binding.binding import Binding
from dal.binding.shapes import Shape
from dal.errors import ConflictError, NotFoundError
from dal.jsonl import export_lines, exporting, import_lines, importing
from tests.faults.activity import blocked
from tests.surface import (
    EXISTING,
    FUNCTIONS,
    ID,
    THREE,
    VALUES,
    Function,
    arguments,
    call,
    fill,
    variants,
)
from tests.wire import Message, Relay

WARM = "BES"  # Bind, Execute, Sync: a statement that the connection knows
COLD = "PDH" + WARM  # Parse, Describe, Flush ahead of it
AWAITED = "HSQc"  # Flush, Sync, Query and CopyDone ask for an answer: each is a round trip


def kinds(sent: list[Message]) -> str:
    """What was sent, a letter a message; a start-up is ^, and a password is left out."""
    return "".join(message.kind or "^" for message in sent if message.kind != "p")


def trips(sent: list[Message]) -> int:
    return sum(letter in AWAITED for letter in kinds(sent))


async def sent(relay: Relay, call: Awaitable[object]) -> list[Message]:
    """What goes over the wire between a call and its result."""
    before = len(relay.messages)
    await call
    return relay.messages[before:]


@pytest.fixture
async def far(relay: Relay) -> AsyncIterator[dal.Database]:
    """The database by way of the relay, on one connection."""
    async with dal.connect(relay.url, min_size=1, max_size=1) as far:
        yield far


@pytest.fixture(params=["database", "connection"])
async def either(request: pytest.FixtureRequest, relay: Relay) -> AsyncIterator[Executor]:
    """A database by way of the relay, or a plain connection."""
    if request.param == "database":
        async with dal.connect(relay.url, min_size=1, max_size=1) as far:
            yield far
    else:
        connection = await asyncpg.connect(relay.url)
        yield connection
        await connection.close()


TABLES = ("users", "conversations", "messages", "tasks")
KEEP = "CREATE SCHEMA kept;" + "".join(f"CREATE TABLE kept.{t} AS TABLE {t};" for t in TABLES)
RESTORE = "DELETE FROM users;" + "".join(f"INSERT INTO {t} TABLE kept.{t};" for t in TABLES)


@pytest.fixture
async def restore(db: dal.Database) -> Callable[[], Awaitable[object]]:
    """Ada's rows, and what brings them back."""
    await fill(db)
    await db.execute(KEEP)
    return lambda: db.execute(RESTORE)


# On top of VALUES, which read what is stored, or create it once more.
SCENES: list[dict[str, Any]] = [
    {},
    {
        "id": None,
        "messages": [
            NewMessage(role="user", content="Buy bread"),
            NewMessage(role="assistant", content="Done"),
        ],
        "tasks": [NewTask(title="Bread"), NewTask(title="Butter")],
    },
    dict.fromkeys(EXISTING, uuid4()),
    {"user_id": "nobody"},
    {
        "content": "Buy bread",
        "title": "Bread",
        "messages": [
            NewMessage(role="user", content="Buy bread", metadata=None, id=own_id)
            for own_id in THREE
        ],
        "tasks": [NewTask(title="Bread", description=None, id=own_id) for own_id in THREE],
    },
]
ABSENT = {"nothing", *(error.__name__ for error in NotFoundError.__subclasses__())}


class Seen(NamedTuple):
    """A function, what became of a call, and what it sent."""

    name: str
    outcome: str
    kinds: str


async def survey(
    relay: Relay,
    far: Executor,
    restore: Callable[[], Awaitable[object]],
    functions: Mapping[str, Function] = FUNCTIONS,
) -> set[Seen]:
    """Each function in each scene, with all its arguments and with the required ones."""
    seen = set()
    for name, function in functions.items():
        for warm, scene in [(False, {}), *product([True], SCENES)]:
            for variant in variants(function, VALUES | scene):
                before = len(relay.messages)
                try:
                    outcome = "something" if await call(function, far, variant) else "nothing"
                except (NotFoundError, ConflictError) as error:
                    outcome = type(error).__name__
                if warm:
                    seen.add(Seen(name, outcome, kinds(relay.messages[before:])))
                await restore()
    return seen


def names(seen: set[Seen], outcomes: set[str]) -> set[str]:
    return {measured.name for measured in seen if measured.outcome in outcomes}


def bound(which: Callable[[Binding], bool]) -> set[str]:
    """The functions whose binding meets a condition."""
    return {
        binding.statement.name for binding in query.bindings if which(binding)
    } & FUNCTIONS.keys()


async def test_a_call_is_one_round_trip(
    relay: Relay, either: Executor, restore: Callable[[], Awaitable[object]]
) -> None:
    seen = await survey(relay, either, restore)
    assert {measured for measured in seen if measured.kinds != WARM} == set()
    # All that can become of a call was met.
    assert names(seen, {"something"}) == FUNCTIONS.keys()
    assert names(seen, ABSENT) == FUNCTIONS.keys() - {"users.ensure"}
    # users.ensure meets one only over a table that takes unlike ids for equal.
    conflicting = bound(lambda binding: ConflictError in binding.signals.raise_if.values()) - {
        "users.ensure"
    }
    assert names(seen, {"ConflictError"}) == conflicting


async def test_what_is_sent_beyond_it_is_seen(
    relay: Relay, far: dal.Database, restore: Callable[[], Awaitable[object]]
) -> None:
    async def twice(db: dal.Database, *, user_id: str) -> Any:
        await db.fetch("SELECT")
        return await users.get(db, user_id=user_id)

    async def parsed(db: dal.Database, *, user_id: str) -> Any:
        return await db.fetch(f"SELECT $1 -- {uuid4()}", user_id)

    seen = await survey(relay, far, restore, {"t": twice, "p": parsed, "get": users.get})
    assert {(measured.name, measured.kinds) for measured in seen} == {
        ("t", WARM + WARM),
        ("p", COLD),
        ("get", WARM),
    }


async def test_asyncpgs_own_pool_takes_two(relay: Relay) -> None:
    async with asyncpg.create_pool(relay.url, min_size=1, max_size=1) as pool:
        await pool.fetch("SELECT $1::int", 1)
        exchange = await sent(relay, pool.fetch("SELECT $1::int", 1))
    assert (kinds(exchange), trips(exchange)) == (WARM + "Q", 2)
    assert "RESET ALL" in exchange[-1].statement


async def test_a_transaction_adds_its_begin_and_its_commit(
    relay: Relay, far: dal.Database, restore: Callable[[], Awaitable[object]]
) -> None:
    async def within(function: Function) -> None:
        async with far.transaction() as transaction:
            await call(function, transaction, arguments(function, VALUES))

    for function in FUNCTIONS.values():
        await within(function)  # now it is warm
        await restore()
        begin, *between, commit = await sent(relay, within(function))
        assert kinds(between) == WARM
        assert begin.statement == "BEGIN ISOLATION LEVEL READ COMMITTED;"
        assert commit.statement == "COMMIT;"
        await restore()


async def test_a_first_call_on_a_connection_is_two(
    relay: Relay, far: dal.Database, restore: Callable[[], Awaitable[object]]
) -> None:
    first = {}
    for name, function in FUNCTIONS.items():
        first[name] = await sent(relay, call(function, far, arguments(function, VALUES)))
        await restore()
    assert {name: kinds(exchange) for name, exchange in first.items()} == dict.fromkeys(first, COLD)


@pytest.mark.parametrize("kept", ["auto", "on", "off"])
async def test_a_connection_is_opened_by_its_start_up_and_one_statement(
    relay: Relay, kept: Literal["auto", "on", "off"]
) -> None:
    async with dal.connect(relay.url, min_size=3, prepared_statements=kept):
        # The one look for a pooler has a connection and a transaction of its own.
        look = "^" + "Q" + "PDHPBES" + "Q" + "X"
        assert kinds(relay.messages).startswith(look)
        # And each connection is prepared by one statement.
        assert Counter(kinds(relay.messages)) == Counter(look + "^Q" * 3)


async def full_pages(far: dal.Database, db: dal.Database, url: str) -> None:
    stream = messages.stream(far, user_id="ada", conversation_id=ID, page_size=2)
    assert len([message async for message in stream]) == 4


async def overtaken(far: dal.Database, db: dal.Database, url: str) -> None:
    new = arguments(messages.create, VALUES | {"id": None})
    async with db.transaction() as faster:
        await messages.create(faster, **new)
        waiting = asyncio.create_task(messages.create_and_history(far, **new))
        await blocked(url)
    assert len(await waiting) == 6


async def no_messages(far: dal.Database, db: dal.Database, url: str) -> None:
    assert await messages.create_many(far, user_id="ada", conversation_id=ID, messages=[]) == []


async def no_tasks(far: dal.Database, db: dal.Database, url: str) -> None:
    assert await tasks.create_many(far, user_id="ada", tasks=[]) == []


class Exceptional(NamedTuple):
    """When a function is not one round trip, and how many it is then."""

    reason: str
    trips: int
    happen: Callable[[dal.Database, dal.Database, str], Awaitable[None]]


EXCEPTIONS = {
    "messages.stream": Exceptional("one a page, until one is not full", 3, full_pages),
    "messages.create_and_history": Exceptional("another writer was faster", 2, overtaken),
    "messages.create_many": Exceptional("an empty batch has nothing to send", 0, no_messages),
    "tasks.create_many": Exceptional("an empty batch has nothing to send", 0, no_tasks),
}


async def test_an_exception_is_one(
    relay: Relay, far: dal.Database, db: dal.Database, url: str
) -> None:
    await fill(db)
    await fill(far)
    for name, exceptional in EXCEPTIONS.items():
        await call(FUNCTIONS[name], far, arguments(FUNCTIONS[name], VALUES))  # now it is warm
        exchange = await sent(relay, exceptional.happen(far, db, url))
        assert (name, kinds(exchange)) == (name, WARM * exceptional.trips)
        assert exceptional.trips != 1


def test_exceptions_are_what_a_binding_can_make() -> None:
    assert EXCEPTIONS.keys() == bound(
        lambda binding: bool(
            binding.signals.retry_if or binding.arguments.batches or binding.shape is Shape.PAGES
        )
    )


def chats(count: int, size: int) -> list[bytes]:
    new = [{"role": "user", "content": "Buy milk"}] * size
    return [json.dumps({"id": str(uuid4()), "messages": new}).encode() for _ in range(count)]


def todos(count: int) -> list[bytes]:
    return [json.dumps({"task": {"title": "Milk"}}).encode()] * count


# BEGIN, four settings, whether there is Citus, COMMIT; three that reset a connection that was lent.
AN_IMPORT = 10
NEW_CHATS = 9  # a savepoint 2; what is stored, and the time, 3; users, conversations; COPY 2
KNOWN_CHATS = 10  # their last messages as well; their recency, and not the conversations
NEW_TASKS = 6


async def test_an_import_counts_batches_and_not_rows(
    relay: Relay, far: dal.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def imported(lines: list[bytes]) -> int:
        return trips(await sent(relay, import_lines(far, lines, user_id="ada")))

    monkeypatch.setattr(importing, "_BATCH_LINES", 10)
    some = [*chats(3, 1), *todos(3)]
    await imported(some)
    await imported(some)  # now it is warm
    for lines, batches in ((chats(10, 1), 1), (chats(10, 50), 1), (chats(31, 3), 4)):
        assert await imported(lines) == AN_IMPORT + NEW_CHATS * batches
        assert await imported(lines) == AN_IMPORT + KNOWN_CHATS * batches
    assert await imported(todos(31)) == AN_IMPORT + NEW_TASKS * 4


async def test_an_export_counts_pages_and_not_rows(
    relay: Relay, far: dal.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_CONVERSATIONS", 10)
    monkeypatch.setattr(exporting, "_ROWS", 10)
    await import_lines(far, [*chats(25, 2), *todos(20), *chats(1, 35)], user_id="ada")

    async def export() -> int:
        return len([line async for line in export_lines(far, user_id="ada")])

    assert await export() == 46
    assert trips(await sent(relay, export())) == sum(
        (
            3,  # BEGIN, SAVEPOINT and COMMIT
            2,  # the tables' columns, and whether there is anything
            2 + 1,  # pages of tasks' ids, and an empty one
            2,  # the tasks of each page
            3,  # pages of conversations
            3 + 3 + 5,  # pages of their messages, an empty one where the last was full
        )
    )
