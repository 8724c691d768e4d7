"""Beside OpenTelemetry's own instrumentation of asyncpg: its spans are below ours."""

from collections.abc import Iterator

import pytest
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

import dal
from dal import users
from tests.telemetry.exported import Exported


@pytest.fixture
def both(exported: Exported) -> Iterator[Exported]:
    instrumentor = AsyncPGInstrumentor()  # type: ignore[no-untyped-call]
    instrumentor.instrument(tracer_provider=exported.tracer_provider)
    yield exported
    instrumentor.uninstrument()


async def test_the_drivers_spans_are_below_the_functions(db: dal.Database, both: Exported) -> None:
    both.spans()
    await users.ensure(db, user_id="ada")
    async with db.transaction() as tx:
        await users.delete(tx, user_id="ada")
    driver, ensure, begin, statement, delete, commit = both.spans()
    assert (ensure.name, delete.name) == ("users.ensure", "users.delete")
    assert (driver.name, driver.parent) == ("WITH", ensure.get_span_context())
    assert (statement.name, statement.parent) == ("DELETE", delete.get_span_context())
    assert [span.parent for span in (ensure, begin, delete, commit)] == [None] * 4
