"""One server for the run, and for each test databases of its own, made from a template."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import dal
from dal import embedded, migrate
from tests.servers import Postgres, Spares, database_name, running
from tests.wire import Relay, relayed

_POSTGRES = pytest.StashKey[Postgres]()
_STACK = pytest.StashKey[ExitStack]()


def pytest_sessionstart(session: pytest.Session) -> None:
    stack = session.config.stash[_STACK] = ExitStack()
    choice = os.environ.pop("DAL_TEST_POSTGRES", "")
    if worker := getattr(session.config, "workerinput", None):
        session.config.stash[_POSTGRES] = Postgres(*worker["postgres"])
    else:
        session.config.stash[_POSTGRES] = stack.enter_context(running(choice))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each of pytest-xdist's workers where the run's server is."""
    postgres = node.config.stash[_POSTGRES]
    node.workerinput["postgres"] = [postgres.kind, postgres.url, postgres.strategy]


def pytest_report_header(config: pytest.Config) -> str:
    postgres = config.stash[_POSTGRES]
    loop = os.environ.get("DAL_TEST_LOOP", "asyncio")
    return f"PostgreSQL {postgres.version()} ({postgres.kind}), {loop}"


def pytest_unconfigure(config: pytest.Config) -> None:
    if stack := config.stash.get(_STACK, None):
        stack.close()


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """asyncio's own loop, or with DAL_TEST_LOOP=uvloop that of uvicorn."""
    if os.environ.get("DAL_TEST_LOOP") == "uvloop":
        import uvloop

        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Postgres:
    return request.config.stash[_POSTGRES]


@pytest.fixture
def database_with_icu(postgres: Postgres) -> Iterator[str]:
    """URL of a fresh database on a server with ICU, which the embedded ones lack: Debian's."""
    with ExitStack() as stack:
        if not postgres.has_icu():
            folder = next(iter(sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)), None)
            if folder is None:
                pytest.skip("needs a PostgreSQL with ICU, such as Debian's")
            server = stack.enter_context(embedded.Server(installation=folder))
            postgres = Postgres("Debian", server.dsn("postgres"))
        url = postgres.create()
        yield url
        postgres.drop(url)


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres) -> Iterator[str]:
    url = postgres.create()
    migrate.apply(url)
    yield database_name(url)
    postgres.drop(url)


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """URL of a fresh database without any table."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def spares(postgres: Postgres, migrated_template: str) -> Iterator[Spares]:
    with closing(Spares(postgres, migrated_template)) as spares:
        yield spares


@pytest.fixture
def url(spares: Spares) -> Iterator[str]:
    """URL of a fresh, migrated database."""
    url = spares.take()
    yield url
    spares.drop(url)


@pytest.fixture
def relay(url: str) -> Iterator[Relay]:
    """What stands between a client and the same database as `url`."""
    with relayed(url) as relay:
        yield relay


@pytest.fixture
async def db(url: str) -> AsyncIterator[dal.Database]:
    async with dal.connect(url, min_size=1) as db:
        yield db


@pytest.fixture(params=["database", "transaction", "connection", "pool"])
async def executor(
    request: pytest.FixtureRequest, url: str, db: dal.Database
) -> AsyncIterator[dal.Executor]:
    """Each of the things that a function may run on, over the same database as `db`."""
    async with AsyncExitStack() as stack:
        match request.param:
            case "database":
                yield db
            case "transaction":
                yield await stack.enter_async_context(db.transaction())
            case "connection":
                connection = await asyncpg.connect(url)
                stack.push_async_callback(connection.close)
                yield connection
            case "pool":
                yield await stack.enter_async_context(asyncpg.create_pool(url, min_size=1))


@pytest.fixture
async def ada(db: dal.Database) -> str:
    """A user."""
    return (await dal.users.ensure(db, user_id="ada")).id


@pytest.fixture
async def bob(db: dal.Database) -> str:
    """Another user."""
    return (await dal.users.ensure(db, user_id="bob")).id


@pytest.fixture
async def chat(db: dal.Database, ada: str) -> dal.Conversation:
    """A conversation of ada's."""
    return await dal.conversations.create(db, user_id=ada)
