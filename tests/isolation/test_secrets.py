"""No failure shows what was passed or stored: not its text, its traceback, a log or a warning.

Each function of tests/surface.py fails in each of these ways, on a real server; tests/functions/
test_bad_input.py has what is refused before anything is sent, tests/database/test_database.py what
fails while connecting.
"""

import asyncio
import gc
import json
import logging
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
import sqlparse
from pydantic import BaseModel, ValidationError

import dal
from dal import Database, NewMessage, NewTask, conversations, errors, users
from dal.errors import DalError
from dal.jsonl import export_lines, import_lines
from tests.isolation.conftest import Service
from tests.surface import FUNCTIONS, ID, THREE, VALUES, arguments, call, fill
from tests.telemetry.exported import exported

OWNER, TEXT = "s3cr3t-owner", "s3cr3t-text"
METADATA = {TEXT: [TEXT]}
SECRETS = VALUES | {
    "user_id": OWNER,
    "content": TEXT,
    "metadata": METADATA,
    "title": TEXT,
    "description": TEXT,
    "messages": [
        NewMessage(role="assistant", content=TEXT, metadata=METADATA, id=own_id) for own_id in THREE
    ],
    "tasks": [NewTask(title=TEXT, description=TEXT, id=own_id) for own_id in THREE],
}
PARAMETERS = (OWNER, str(ID), ID.hex, "9000")  # the last one is the year of `before`
# What makes the user, or takes away what the others need.
LAST = [
    "conversations.delete",
    "tasks.delete",
    "users.ensure",
    "users.get",
    "users.erase",
    "users.delete",
]
LINES = [
    json.dumps({"user_id": OWNER} | line).encode()
    for line in (
        {"messages": [{"role": "user", "content": TEXT, "metadata": METADATA}]},
        {"task": {"title": TEXT, "description": TEXT}},
    )
]
TABLES = ("users", "tasks", "conversations", "messages")

# The service's statements meet this at every row that they read or write. All that it raises with
# quotes the row.
FAIL = """
    CREATE FUNCTION fail(stored text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        {}
        RETURN true;
    END $$;
"""
RAISE = """
    RAISE '%', stored USING
        ERRCODE = '{}', DETAIL = stored, HINT = stored, CONSTRAINT = 'rule', COLUMN = 'any',
        TABLE = 'any';
"""
POLICY = """
    ALTER TABLE {0} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY failing ON {0} USING (fail({0}::text));
"""


def at_each_row(body: str) -> str:
    return FAIL.format(body) + "".join(POLICY.format(table) for table in TABLES)


def on_each_table(ddl: str, **columns: str) -> str:
    return "".join(ddl.format(table, columns.get(table, "id")) for table in TABLES)


AT_COMMIT = """
    CREATE FUNCTION fail_late() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE '%', NEW USING ERRCODE = '40001', DETAIL = NEW, HINT = NEW;
    END $$;
"""
TRIGGER = """
    CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON {0} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fail_late();
"""

NOT_FOUND: set[type[DalError]] = {
    errors.UserNotFoundError,
    errors.ConversationNotFoundError,
    errors.TaskNotFoundError,
}


@dataclass(frozen=True)
class Way:
    """A way to fail.

    Attributes:
        stored: what the user has: `nothing`, not even itself; a `conversation`; `everything`;
            or `other` content under the same ids.
        raised: errors that come of it, among those that follow from the functions before.
        change: what happens to the database then.
        command_timeout: as for `dal.connect`, in seconds.
    """

    stored: str
    raised: set[type[DalError]]
    change: str = "SELECT"
    command_timeout: float = 30


WAYS = {
    "not at all": Way("everything", set()),
    "absent": Way("nothing", NOT_FOUND),
    "conflict": Way("other", {errors.ConflictError}),
    "check": Way(
        "conversation",
        {errors.InvalidInputError},
        on_each_table("ALTER TABLE {} ADD CONSTRAINT rule CHECK ({} IS NULL) NOT VALID;"),
    ),
    "foreign key": Way(
        "conversation",
        NOT_FOUND,
        "CREATE TABLE nothing (id text PRIMARY KEY);"
        + on_each_table(
            "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES nothing NOT VALID;",
            tasks="title",
            conversations="user_id",
            messages="content",
        ),
    ),
    "at commit": Way(
        "conversation", {errors.TransactionConflictError}, AT_COMMIT + on_each_table(TRIGGER)
    ),
    "cast": Way("everything", {errors.InvalidInputError}, at_each_row("RETURN stored::int;")),
    "cancelled": Way(
        "everything",
        {errors.QueryTimeoutError},
        at_each_row("PERFORM pg_cancel_backend(pg_backend_pid());"),
    ),
    "timed out": Way(
        "everything",
        {errors.ConnectionLostError},
        at_each_row("PERFORM pg_sleep(60);"),
        command_timeout=0.02,  # enough to connect
    ),
    "killed": Way(
        "everything",
        {errors.ConnectionLostError},
        at_each_row("PERFORM pg_terminate_backend(pg_backend_pid());"),
    ),
    "schema": Way("everything", {errors.SchemaMismatchError}, at_each_row(RAISE.format("42804"))),
    "unknown": Way("everything", {DalError}, at_each_row(RAISE.format("XX000"))),
}


@dataclass
class Seen:
    """All that was shown."""

    errors: list[str] = field(default_factory=list)
    kinds: set[type[BaseException]] = field(default_factory=set)
    objects: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Note all that is shown of an error of the block: of it, and of all that hang on it."""
        try:
            yield
        except DalError as error:
            self.kinds.add(type(error))
            chain: list[BaseException] = [error]
            for link in chain:
                self.errors += [str(link), repr(link), repr(vars(link))]
                self.errors += traceback.format_exception(link)
                further = link.__cause__, link.__context__
                chain += [other for other in further if other and other not in chain]

    async def call(self, name: str, db: Any) -> None:
        """Call a function and note its result."""
        result = await call(FUNCTIONS[name], db, arguments(FUNCTIONS[name], SECRETS))
        self.answered.add(name)
        self.show(result)

    def show(self, *objects: Any) -> None:
        self.objects += [text for item in objects for text in (str(item), repr(item))]


async def prepare(connection: asyncpg.Connection, way: Way) -> None:
    if way.stored != "nothing":
        await users.ensure(connection, user_id=OWNER)
        await conversations.create(connection, user_id=OWNER, id=ID)
    if way.stored == "everything":
        await fill(connection, SECRETS)
    if way.stored == "other":
        await fill(connection, VALUES | {"user_id": OWNER})
    for statement in sqlparse.split(way.change):
        await connection.execute(statement)


@pytest.mark.parametrize("name", WAYS)
async def test_nothing_shows_a_parameter_or_a_text(
    service: Service, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    way, seen = WAYS[name], Seen()
    caplog.set_level(logging.NOTSET)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0  # every step is logged
    connection = await asyncpg.connect(service.admin)
    await prepare(connection, way)
    await connection.close()
    with warnings.catch_warnings(record=True) as warned, exported() as telemetry:
        warnings.simplefilter("always")
        async with dal.connect(
            service.urls[0],
            min_size=1,
            max_size=1,
            command_timeout=way.command_timeout,
            slow_call=1e-6,
        ) as db:
            await everything(db, seen)
            seen.show(db)
            traced = telemetry.texts()
        gc.collect()  # what was never awaited or retrieved is said now
    loop.set_debug(False)
    texts = [caplog.text, *(repr(vars(record)) for record in caplog.records)]
    texts += [str(warning.message) for warning in warned]
    texts += traced
    slow = [record for record in caplog.records if record.name == "dal.slow"]
    caplog.clear()

    assert way.raised <= seen.kinds
    if way.stored == "everything":  # then they fail all, or none does
        assert seen.answered == (set() if way.raised else set(FUNCTIONS))
    assert [text for text in seen.errors for secret in (TEXT, *PARAMETERS) if secret in text] == []
    assert [text for text in seen.objects if TEXT in text] == []
    assert [text for text in texts if TEXT in text or OWNER in text] == []
    assert [text for text in traced if str(ID) in text or ID.hex in text] == []
    assert {"messages.create", "users.delete"} <= {json.loads(span).get("name") for span in traced}
    assert len(slow) > len(FUNCTIONS)


async def everything(db: Database, seen: Seen) -> None:
    """Call each function by itself and in a savepoint of a transaction; import and export."""
    for name in [name for name in FUNCTIONS if name not in LAST] + LAST:
        with seen.failing():
            await seen.call(name, db)
        with seen.failing():
            async with db.transaction() as transaction, transaction.transaction() as savepoint:
                seen.show(transaction)
                await seen.call(name, savepoint)
    with seen.failing():
        await import_lines(db, LINES)
    with seen.failing():
        async for line in export_lines(db, user_id=OWNER):
            assert TEXT in line.decode()
    seen.show(*SECRETS["messages"], *SECRETS["tasks"])


RECORDS = [
    value
    for value in vars(dal).values()
    if isinstance(value, type) and issubclass(value, BaseModel)
]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_that_is_made_wrongly_does_not_say_of_what(record: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as caught:
        record.model_validate({name: [TEXT] for name in record.model_fields})
    assert TEXT not in f"{caught.value} {caught.value!r}"
