"""The fixtures of tests/conftest.py on a durable server, which these tests may stop."""

import asyncio
import gc
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

import dal
from dal import migrate
from dal.testing.server import Postgres, database_name
from tests.faults.activity import eventually, sessions
from tests.faults.restartable import Restartable


@dataclass
class Durable(Postgres):
    server: Restartable = field(kw_only=True)


@pytest.fixture(scope="session")
def dal_server(dal_server: Postgres) -> Iterator[Postgres]:
    if dal_server.kind == "Citus":
        yield dal_server
        return
    with Restartable.like(dal_server) as server:
        yield Durable("restartable", server.dsn(), server=server)


@pytest.fixture(scope="session")
def dal_template(dal_server: Postgres) -> str:
    url = dal_server.create()
    migrate.apply(url)
    return database_name(url)


@pytest.fixture
def server(dal_server: Durable) -> Iterator[Restartable]:
    """The server, which runs again after the test, with the settings it had."""
    settings = dict(dal_server.server.settings)
    yield dal_server.server
    if dal_server.server.settings != settings:
        dal_server.server.settings = settings
        dal_server.server.stop()
    dal_server.server.start()


@pytest.fixture
async def url(dal_server: Postgres, dal_template: str) -> AsyncIterator[str]:
    """URL of a fresh, migrated database, which nobody is connected to in the end."""
    url = dal_server.create(dal_template)
    yield url
    if isinstance(dal_server, Durable):
        dal_server.server.start()
    await eventually(lambda: sessions(url), [])
    dal_server.drop(url)


@pytest.fixture
async def watcher(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own."""
    watcher = await asyncpg.connect(url)
    yield watcher
    await watcher.close()


@pytest.fixture
async def db(url: str) -> AsyncIterator[dal.Database]:
    async with dal.connect(url, min_size=2, max_size=4, acquire_timeout=10) as db:
        yield db


def describe(context: dict[str, Any]) -> Iterator[str]:
    yield context["message"]
    if error := context.get("exception"):
        yield from traceback.format_exception(error)
        yield repr(context)


@pytest.fixture(autouse=True)
async def quiet() -> AsyncIterator[None]:
    """After the test the event loop has nothing to complain of, and no task left."""
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: complaints.append("".join(describe(context)))
    )
    yield

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    await eventually(tasks, 1)
    gc.collect(1)  # what was not closed or awaited warns now, and warnings are errors
    assert not complaints, complaints[0]
