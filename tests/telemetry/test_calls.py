"""A call is a span and a duration: what they say, and when there is none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import BaseModel

import dal
from dal import ConversationWithMessages, errors, messages, tasks, users
from dal.binding import Executor, Queries, query
from dal.telemetry.attributes import server_attributes
from tests.surface import FUNCTIONS, ID, VALUES, arguments, call, fill
from tests.telemetry.exported import Exported

DURATION = "db.client.operation.duration"
OPERATION, SUMMARY = "db.operation.name", "db.query.summary"
ROWS, ERROR, SQLSTATE = "db.response.returned_rows", "error.type", "db.response.status_code"
# Where a filter chooses between two statements.
STATEMENTS = {
    "conversations.list_for_user": "conversations.list_for_user_by_status",
    "tasks.list_for_user": "tasks.list_for_user_by_completed",
}
COUNTED = {binding.statement.name for binding in query.bindings if binding.statement.returns_count}


def rows(name: str, result: Any) -> dict[str, int]:
    """What a span should say of the rows that a function's result was made of."""
    if name in COUNTED:
        return {}
    if isinstance(result, ConversationWithMessages):
        return {ROWS: len(result.messages)}
    return {ROWS: len(result) if isinstance(result, list) else 1}


def called(spans: list[ReadableSpan], *names: str) -> list[tuple[Any, ...]]:
    """The names of spans, and these attributes."""
    return [(span.name, *map((span.attributes or {}).get, names)) for span in spans]


async def test_each_function_is_one_span_and_one_duration(
    executor: dal.Executor, exported: Exported
) -> None:
    spans = 0
    for name in FUNCTIONS:
        await fill(executor)
        spans += len(exported.spans())
        result = await call(FUNCTIONS[name], executor, arguments(FUNCTIONS[name], VALUES))
        (span,) = exported.spans()
        spans += 1
        statement = STATEMENTS.get(name, name)
        common = server_attributes(executor) | {OPERATION: statement, SUMMARY: statement}
        assert span.name == statement
        assert span.kind is SpanKind.CLIENT
        assert span.status.status_code is StatusCode.UNSET
        assert span.attributes == common | rows(name, result)
        assert common in [attributes for attributes, _ in exported.points(DURATION)]
    assert sum(count for _, count in exported.points(DURATION)) == spans


async def test_a_stream_is_one_for_each_page(db: dal.Database, exported: Exported) -> None:
    await fill(db)
    exported.spans()
    async for _ in messages.stream(db, user_id="ada", conversation_id=ID, page_size=3):
        pass
    assert called(exported.spans(), ROWS) == [("messages.stream", 3), ("messages.stream", 1)]


async def test_a_statement_that_is_repeated_is_one_call(exported: Exported, tmp_path: Path) -> None:
    class Row(BaseModel):
        n: int

    (tmp_path / "next.sql").write_text("SELECT n, n < 3 AS stale FROM counted")

    @Queries(tmp_path)("next.sql", retry_if="stale")
    async def count(db: Executor) -> Row:
        raise NotImplementedError

    class Counting:
        n = 0

        async def fetch(self, query: str, /, *args: Any) -> list[Any]:
            self.n += 1
            return [{"n": self.n, "stale": self.n < 3}]

        async def execute(self, query: str, /, *args: Any) -> str:
            raise NotImplementedError

    assert (await count(Counting())).n == 3
    assert called(exported.spans(), ROWS, "db.system.name") == [("next", 1, "postgresql")]


async def test_it_is_below_the_span_of_whoever_calls(db: dal.Database, exported: Exported) -> None:
    tracer = exported.tracer_provider.get_tracer("service")
    with tracer.start_as_current_span("request") as request:
        await users.ensure(db, user_id="ada")
        assert trace.get_current_span() is request
    span, outer = exported.spans()
    assert (span.name, outer.name) == ("users.ensure", "request")
    assert span.parent == request.get_span_context()


async def test_a_duration_is_its_spans(db: dal.Database, exported: Exported) -> None:
    await users.ensure(db, user_id="ada")
    (span,) = exported.spans()
    assert span.start_time
    assert span.end_time
    (point,) = exported.metrics()[DURATION].data.data_points
    seconds: float = getattr(point, "sum")  # noqa: B009 not every kind of point has one
    assert 0 < seconds == pytest.approx((span.end_time - span.start_time) / 1e9, abs=1e-8)


async def test_what_is_not_sent_is_no_call(db: dal.Database, exported: Exported) -> None:
    with pytest.raises(errors.InvalidInputError):
        await users.ensure(db, user_id="")
    assert await tasks.create_many(db, user_id="ada", tasks=[]) == []
    assert exported.spans() == []
    assert exported.points(DURATION) == []


# Failures


@pytest.fixture
async def locked(url: str) -> AsyncIterator[None]:
    """Whoever wants to look at a user waits."""
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        yield
    await connection.close()


WAITING = """
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def cancelled_by_the_server(db: dal.Database, url: str) -> None:
    async with db.transaction() as tx:
        await tx.execute("SET LOCAL statement_timeout = 1")
        await users.get(tx, user_id="ada")


async def out_of_time(db: dal.Database, url: str) -> None:
    async with dal.connect(url, min_size=1, command_timeout=0.2) as hasty:
        await users.get(hasty, user_id="ada")


async def cancelled(db: dal.Database, url: str) -> None:
    waiting = asyncio.create_task(users.get(db, user_id="ada"))
    while not await db.fetch(WAITING):  # noqa: ASYNC110 the server can only be asked
        await asyncio.sleep(0.01)
    waiting.cancel()
    await waiting


async def unexpected(db: dal.Database, url: str) -> None:
    class Broken:
        async def fetch(self, query: str, /, *args: Any) -> list[Any]:
            raise ValueError(args)

        async def execute(self, query: str, /, *args: Any) -> str:
            raise ValueError(args)

    await users.get(Broken(), user_id="ada")


FAILURES: dict[Callable[[dal.Database, str], Awaitable[None]], tuple[str, str | None]] = {
    cancelled_by_the_server: ("dal.errors.QueryTimeoutError", "57014"),
    out_of_time: ("dal.errors.ConnectionLostError", None),
    cancelled: ("asyncio.exceptions.CancelledError", None),
    unexpected: ("ValueError", None),
}


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("fail", FAILURES)
async def test_a_failure_is_named(
    db: dal.Database, url: str, exported: Exported, fail: Callable[..., Awaitable[None]]
) -> None:
    kind, sqlstate = FAILURES[fail]
    with pytest.raises(BaseException) as raised:  # noqa: PT011
        await fail(db, url)
    (span,) = exported.spans()
    assert called([span], ERROR, SQLSTATE) == [("users.get", kind, sqlstate)]
    assert span.status.status_code is StatusCode.ERROR
    ours = isinstance(raised.value, errors.DalError)
    assert span.status.description == (str(raised.value) if ours else None)
    assert span.events == ()
    ((attributes, count),) = exported.points(DURATION)
    assert (attributes[ERROR], attributes.get(SQLSTATE), count) == (kind, sqlstate, 1)


async def test_what_a_function_raises_of_an_answer_is_a_failure(
    db: dal.Database, exported: Exported
) -> None:
    with pytest.raises(errors.UserNotFoundError) as raised:
        await users.erase(db, user_id="nobody")
    assert raised.value.__context__ is None
    failed = [("users.erase", "dal.errors.UserNotFoundError", None)]
    assert called(exported.spans(), ERROR, ROWS) == failed


# Where it runs


@pytest.mark.parametrize(
    ("hosts", "server"),
    [
        ("db.example", {"server.address": "db.example"}),
        ("db.example:5432", {"server.address": "db.example"}),
        ("[::1]:6000", {"server.address": "::1", "server.port": 6000}),
        ("a.example,b.example", {}),
    ],
)
def test_the_server_of_a_database(hosts: str, server: dict[str, Any]) -> None:
    db = dal.connect(f"postgresql://ada:secret@{hosts}/chat")
    assert (
        server_attributes(db) == {"db.system.name": "postgresql", "db.namespace": "chat"} | server
    )


async def test_the_server_of_what_is_connected(db: dal.Database, url: str) -> None:
    socket = dal.connect("postgresql://ada@/chat?host=/run/postgresql&port=6000")
    assert server_attributes(socket)["server.address"] == "/run/postgresql/.s.PGSQL.6000"
    assert "server.port" not in server_attributes(socket)
    async with db.transaction() as tx, tx.transaction() as savepoint, db.acquire() as lent:
        assert (
            server_attributes(tx)
            == server_attributes(savepoint)
            == server_attributes(lent)
            == server_attributes(db)
        )
    async with asyncpg.create_pool(url, min_size=0) as pool:
        assert server_attributes(pool) == {"db.system.name": "postgresql"}
