"""One server for the run, and for each test databases of its own, made from a template."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import asyncpg
import pytest
import typer

import dal
from dal import embedded
from dal.cli.app import Commands
from dal.cli.statuses import ANYWHERE, DECLARED
from dal.testing.pytest_run import server
from dal.testing.server import Postgres
from tests.wire import Relay, relayed

CITUS = os.environ.get("DAL_TEST_CITUS")
pytest_plugins = ["tests.citus"] if CITUS else []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Start the server before pytest-xdist's workers; no program of a test may see the choice."""
    os.environ.update({"DAL_TEST_POSTGRES": CITUS} if CITUS else {})
    server()
    os.environ.pop("DAL_TEST_POSTGRES", None)


def pytest_report_header() -> str:
    """The server's version, and the loop."""
    loop = os.environ.get("DAL_TEST_LOOP", "asyncio")
    return f"PostgreSQL {server().version()} ({server().kind}), {loop}"


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """asyncio's own loop, or with DAL_TEST_LOOP=uvloop that of uvicorn."""
    if os.environ.get("DAL_TEST_LOOP") == "uvloop":
        import uvloop

        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(autouse=True)
def listed_statuses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in whose process a command ends with a status that its help does not list."""
    invoke, unlisted = Commands.invoke, list[str]()

    def watched(self: Commands, context: typer.Context) -> object:
        try:
            return invoke(self, context)
        except typer.Exit as end:
            name = context.invoked_subcommand or ""
            if end.exit_code not in DECLARED.get(name, frozenset()) | {*ANYWHERE}:
                unlisted.append(f"dal {name} ends with {end.exit_code}")
            raise

    monkeypatch.setattr(Commands, "invoke", watched)
    yield
    assert unlisted == []


@pytest.fixture
def database_with_icu(dal_server: Postgres) -> Iterator[str]:
    """URL of a fresh database on a server with ICU, which the embedded ones lack: Debian's."""
    with ExitStack() as stack:
        postgres = dal_server
        if not postgres.has_icu():
            folder = next(iter(sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)), None)
            if folder is None:
                pytest.skip("needs a PostgreSQL with ICU, such as Debian's")
            debian = stack.enter_context(embedded.Server(installation=folder))
            postgres = Postgres("Debian", debian.dsn("postgres"))
        url = postgres.create()
        yield url
        postgres.drop(url)


@pytest.fixture
def empty_database(dal_server: Postgres) -> Iterator[str]:
    """URL of a fresh database without any table."""
    url = dal_server.create()
    yield url
    dal_server.drop(url)


@pytest.fixture
def url(dal_database: str) -> str:
    """URL of a fresh, migrated database."""
    return dal_database


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
