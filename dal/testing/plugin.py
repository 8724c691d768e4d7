"""The pytest plugin: a server for the run, and for each test a database of its own.

pytest loads it wherever dal is installed, so it imports nothing and starts nothing before a fixture
asks for it.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import dal
    from dal.testing.server import Postgres, Spares

_SERVER = "dal_server"
_run: "Run | None" = None


class Run:
    """A run of pytest, or one of its workers.

    Attributes:
        worker: what pytest-xdist tells a worker; None outside of one.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._stack = ExitStack()
        self._postgres: Postgres | None = None

    @property
    def started(self) -> bool:
        """Whether the server was asked for."""
        return self._postgres is not None

    @property
    def postgres(self) -> "Postgres":
        """The server, which is started when it is first asked for; workers share one."""
        if self._postgres is None:
            from dal.testing.choice import running
            from dal.testing.server import Postgres

            if self.worker and _SERVER in self.worker:
                self._postgres = Postgres(*self.worker[_SERVER])
            else:
                choice = os.environ.get("DAL_TEST_POSTGRES", "")
                self._postgres = self._stack.enter_context(running(choice))
        return self._postgres

    def close(self) -> None:
        """Stop the server, if this process started it."""
        self._stack.close()


def server() -> "Postgres":
    """The server of this process's run of pytest."""
    if _run is None:
        raise RuntimeError(
            "no run of pytest is under way, or the plugin dal.testing is switched off"
        )
    return _run.postgres


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run."""
    global _run
    _run = Run(config)


def pytest_unconfigure() -> None:
    """End the run, and stop its server."""
    if _run:
        _run.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each of pytest-xdist's workers where the run's server is."""
    from dal.project import service

    if _run and (_run.started or service.find(node.config.rootpath)):
        postgres = _run.postgres
        node.workerinput[_SERVER] = [postgres.kind, postgres.url, postgres.strategy]


@pytest.fixture(scope="session")
def dal_server() -> "Postgres":
    """The server of the run."""
    return server()


@pytest.fixture(scope="session")
def dal_template(dal_server: "Postgres", request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a database with all migrations, dal's and the service's."""
    from dal import migrate
    from dal.project import service
    from dal.testing.server import database_name

    url = dal_server.create()
    migrate.apply(url, folders=service.folders(service.find(request.config.rootpath)))
    yield database_name(url)
    dal_server.drop(url)


@pytest.fixture(scope="session")
def dal_spares(dal_server: "Postgres", dal_template: str) -> Iterator["Spares"]:
    """Databases made from the template ahead of the tests."""
    from dal.testing.server import Spares

    with closing(Spares(dal_server, dal_template)) as spares:
        yield spares


@pytest.fixture
def dal_database(dal_spares: "Spares") -> Iterator[str]:
    """The URL of a fresh database with all migrations."""
    url = dal_spares.take()
    yield url
    dal_spares.drop(url)


@pytest.fixture
def dal_db(request: pytest.FixtureRequest) -> "dal.Database":
    """A `dal.Database` that is connected to `dal_database`."""
    of_anyio = "anyio_backend" in request.fixturenames
    fixture = "_dal_db_of_anyio" if of_anyio else "_dal_db_of_asyncio"
    return request.getfixturevalue(fixture)  # type: ignore[no-any-return]


async def _connected(url: str) -> AsyncIterator["dal.Database"]:
    import dal

    async with dal.connect(url, min_size=1) as db:
        yield db


@pytest.fixture
async def _dal_db_of_anyio(
    dal_database: str,
    anyio_backend: object,  # noqa: ARG001 - anyio drives what asks for it
) -> AsyncIterator["dal.Database"]:
    async for db in _connected(dal_database):
        yield db


try:
    from pytest_asyncio import fixture as _async_fixture
except ImportError:
    # Without a plugin that runs it, pytest says what is missing.
    _async_fixture = pytest.fixture  # type: ignore[assignment]


@_async_fixture
async def _dal_db_of_asyncio(dal_database: str) -> AsyncIterator["dal.Database"]:
    async for db in _connected(dal_database):
        yield db
