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
from tests.faults.activity import eventually, sessions
from tests.faults.restartable import Restartable
from tests.servers import Postgres, database_name


@dataclass
class Durable(Postgres):
    server: Restartable = field(kw_only=True)


@pytest.fixture(scope="session")
def postgres(postgres: Postgres) -> Iterator[Durable]:
    with Restartable.like(postgres) as server:
        yield Durable("restartable", server.dsn(), server=server)


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres) -> str:
    url = postgres.create()
    migrate.apply(url)
    return database_name(url)


@pytest.fixture
def server(postgres: Durable) -> Iterator[Restartable]:
    """The server, which runs again after the test, with the settings it had."""
    settings = dict(postgres.server.settings)
    yield postgres.server
    if postgres.server.settings != settings:
        postgres.server.settings = settings
        postgres.server.stop()
    postgres.server.start()


@pytest.fixture
async def url(postgres: Durable, server: Restartable, migrated_template: str) -> AsyncIterator[str]:
    """URL of a fresh, migrated database, which nobody is connected to in the end."""
    url = postgres.create(migrated_template)
    yield url
    server.start()
    await eventually(lambda: sessions(url), [])
    postgres.drop(url)


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
