"""Random calls of two users: each answers as the model says, and leaves what the model holds."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Iterable
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import dal
from dal import Conversation, Cursor, Database, Message, NewMessage, NewTask, Task, User
from dal.errors import DalError
from dal.testing.server import database_name
from tests.order.memory import Memory
from tests.surface import FUNCTIONS, call

Call: TypeAlias = tuple[str, dict[str, Any]]
Records: TypeAlias = dict[tuple[str, str, UUID | str], Any]

# The statements find this now() before PostgreSQL's, so that the model knows every time exactly,
# and a clock that stands still or steps back is a case like any other.
CLOCK = """
    CREATE SCHEMA test;
    CREATE TABLE test.clock (now timestamptz NOT NULL);
    INSERT INTO test.clock VALUES (now());
    CREATE FUNCTION test.now() RETURNS timestamptz STABLE LANGUAGE sql
    AS 'SELECT now FROM test.clock';
    ALTER DATABASE {} SET search_path = test, public, pg_catalog;
    ALTER TABLE users ALTER created_at SET DEFAULT test.now();
    ALTER TABLE tasks
    ALTER created_at SET DEFAULT test.now(), ALTER updated_at SET DEFAULT test.now();
    ALTER TABLE conversations
    ALTER created_at SET DEFAULT test.now(), ALTER updated_at SET DEFAULT test.now();
"""
STORED = """
    SELECT 'users', to_jsonb(u)::text FROM users AS u
    UNION ALL SELECT 'tasks', to_jsonb(t)::text FROM tasks AS t
    UNION ALL SELECT 'conversations', to_jsonb(c)::text FROM conversations AS c
    UNION ALL SELECT 'messages', to_jsonb(m)::text FROM messages AS m
"""
RECORDS: dict[str, type[User | Task | Conversation | Message]] = {
    "users": User,
    "tasks": Task,
    "conversations": Conversation,
    "messages": Message,
}

# Few values each, so that calls meet each other's rows.
USERS = ["ada", "bob"]
IDS = [UUID(int=n) for n in range(1, 9)]
THERE = IDS[:4]
CHATS = IDS[:2]
WORDS = st.sampled_from(["milk", "Milk"])
RECENT = st.integers(0, 9)  # one of the earlier calls or places, counted from the last
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "user_id": st.sampled_from(USERS),
    "conversation_id": st.sampled_from(CHATS),
    "message_id": st.sampled_from(THERE),
    "task_id": st.sampled_from(THERE),
    "id": st.sampled_from(IDS),
    "role": st.sampled_from(["user", "assistant"]),
    "content": WORDS,
    "metadata": st.sampled_from([None, {"tool": "add_task"}]),
    "title": WORDS,
    "status": st.sampled_from(["active", "archived"]),
    "completed": st.booleans(),
    "limit": st.integers(1, 4),
    "page_size": st.integers(1, 4),
    "before": RECENT,
    "after": RECENT,
}


def drawn(parameter: str) -> st.SearchStrategy[Any]:
    """Values of a parameter, which is an optional text if it is not listed."""
    return VALUES.get(parameter, st.none() | WORDS)


for parameter, new in {"messages": NewMessage, "tasks": NewTask}.items():
    fields = {name: drawn(name) for name in inspect.signature(new).parameters}
    VALUES[parameter] = st.lists(
        st.builds(new, **fields), max_size=3, unique_by=lambda record: record.id
    )
STEPS = [timedelta(hours=-1), timedelta(microseconds=1), timedelta(seconds=1), timedelta(hours=1)]


def calls_of(name: str) -> st.SearchStrategy[Call]:
    """Calls of one public function; a parameter that has a default is left out at times."""
    _, *parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
    required = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty or parameter.name == "id"
    ]
    optional = {
        parameter.name: drawn(parameter.name)
        for parameter in parameters
        if parameter.name not in required
    }
    values = {name: drawn(name) for name in required}
    return st.tuples(st.just(name), st.fixed_dictionaries(values, optional=optional))


STRATEGIES = {  # hypothesis draws the first one most often
    "tick": st.tuples(st.just("tick"), st.fixed_dictionaries({"step": st.sampled_from(STEPS)})),
    "repeat": st.tuples(st.just("repeat"), st.fixed_dictionaries({"place": RECENT})),
    **{name: calls_of(name) for name in FUNCTIONS},
}


def weight(name: str) -> int:
    """How often a function is called: seldom what empties tables, so that rows abound."""
    if "delete" in name or "erase" in name:
        return 2
    return 20 if name in ("tick", "repeat") else 8 if "create" in name else 4


NAMES = [name for name in STRATEGIES for _ in range(weight(name))]
CALLS = st.integers(0, 200).flatmap(  # lists of any size are mostly short
    lambda size: st.lists(
        st.sampled_from(NAMES).flatmap(STRATEGIES.__getitem__), min_size=size, max_size=size
    )
)


class Play:
    """Calls on a database and on the model."""

    def __init__(self, db: Database) -> None:
        self.db, self.memory = db, Memory()
        self.calls: list[Call] = []
        self.places = [Cursor(self.memory.now, IDS[0])]

    async def __call__(self, calls: list[Call]) -> None:
        await self.db.execute("DELETE FROM users")
        await self.tick(timedelta())
        for user in USERS:
            await self.check("users.ensure", {"user_id": user})
            for chat in CHATS:
                await self.check("conversations.create", {"user_id": user, "id": chat})
            for id_ in THERE:
                new = {"user_id": user, "id": id_}
                await self.check("tasks.create", new | {"title": "milk", "description": "milk"})
                new |= {"conversation_id": CHATS[0], "role": "user", "content": "milk"}
                await self.check("messages.create", new)
        for name, drawn in calls:
            if name == "tick":
                await self.tick(**drawn)
            elif name == "repeat":
                await self.check(*latest(self.calls, **drawn))
            else:
                places = drawn.keys() & {"before", "after"}
                await self.check(
                    name, drawn | {place: latest(self.places, drawn[place]) for place in places}
                )
            assert await self.stored() == self.held()

    async def tick(self, step: timedelta) -> None:
        """Move the clock."""
        self.memory.now += step
        await self.db.execute("UPDATE test.clock SET now = $1", self.memory.now)

    async def check(self, name: str, values: dict[str, Any]) -> None:
        """Make a call, and compare its answer with the model's."""
        answer = await outcome(call(FUNCTIONS[name], self.db, values))
        assert answer == await outcome(self.memory.call(name, values)), name
        self.calls.append((name, values))
        records = answer if isinstance(answer, list) else [answer]
        ends = [*records[:1], *records[-1:]]
        cursors = [record.cursor for record in ends if hasattr(record, "cursor")]
        self.places += [Cursor(cursor.time, cursor.id) for cursor in cursors]  # of any kind

    async def stored(self) -> Records:
        """All rows, read past the functions."""
        rows = await self.db.fetch(STORED)
        return by_key((table, RECORDS[table].model_validate_json(row)) for table, row in rows)

    def held(self) -> Records:
        """All rows of the model."""
        return by_key(
            (table, row) for table in RECORDS for row in getattr(self.memory, table).values()
        )


def by_key(rows: Iterable[tuple[str, Any]]) -> Records:
    return {(table, getattr(row, "user_id", ""), row.id): row for table, row in rows}


def latest(items: list[Any], place: int) -> Any:
    return items[-1 - place % len(items)]


async def outcome(calling: Awaitable[Any]) -> Any:
    """What a call answers, or which error it raises."""
    try:
        return await calling
    except DalError as error:
        return type(error)


@pytest.fixture
async def clocked(url: str) -> AsyncIterator[Database]:
    """A database with a clock that the test sets."""
    async with dal.connect(url, min_size=1) as db:
        await db.execute(CLOCK.format(database_name(url)))
    async with dal.connect(url, min_size=1) as db:
        yield db


DAILY = settings(
    derandomize=True,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(DAILY)
@given(CALLS)
async def test_random_calls(clocked: Database, calls: list[Call]) -> None:
    await Play(clocked)(calls)


@pytest.mark.slow
@settings(DAILY, max_examples=500)
@given(CALLS)
async def test_many_random_calls(clocked: Database, calls: list[Call]) -> None:
    await Play(clocked)(calls)
