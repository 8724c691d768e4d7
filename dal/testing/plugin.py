"""The pytest plugin: a server for the run, and for each test a database of its own.

pytest loads it wherever dal is installed, so it imports nothing and starts nothing before a fixture
asks for it.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from dal.testing.pytest_run import SERVER, begin, run, server, told

try:
    import pytest_asyncio
except ImportError:
    pytest_asyncio = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import dal
    from dal.migrate.folder import Folder
    from dal.testing.server import Postgres, Spares

    _Folders = tuple[Folder, ...]


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run, at whose end its server stops."""
    config.add_cleanup(begin(config).close)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note which test is under way, before its fixtures are made."""
    run().test = item.path


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each of pytest-xdist's workers where the run's server is."""
    if run().started or _has_service(node.config):
        postgres = server()
        node.workerinput[SERVER] = [postgres.kind, postgres.url, postgres.strategy]


def _has_service(config: pytest.Config) -> bool:
    """Whether what pytest runs belongs to a service."""
    from dal.errors import ConfigurationError
    from dal.project import service

    named = (argument.partition("::")[0] for argument in config.args)
    places = [config.rootpath, *(config.invocation_params.dir / place for place in named)]
    try:
        return any(map(service.find, places))
    except ConfigurationError:  # the first test that needs the settings reports it
        return False


@pytest.fixture(scope="session")
def dal_server() -> "Postgres":
    """The server of the run."""
    with told():
        return server()


@pytest.fixture(scope="session")
def dal_template(dal_server: "Postgres") -> Iterator[str]:
    """The name of a database with all migrations, dal's and the service's.

    The service is that of the first test that asks.
    """
    with told():
        from dal.project import service
        from dal.testing.server import database_name

        folders = tuple(service.folders(run().service))
        url = _migrated(dal_server, folders)
    run().migrations = folders
    yield database_name(url)
    dal_server.drop(url)


def _migrated(postgres: "Postgres", folders: "_Folders") -> str:
    from dal import migrate

    url = postgres.create()
    try:
        migrate.apply(url, folders=folders)
    except BaseException:
        postgres.drop(url)
        raise
    return url


@pytest.fixture(scope="session")
def dal_spares(dal_server: "Postgres", dal_template: str) -> Iterator["Spares"]:
    """Databases made from the template ahead of the tests."""
    from dal.testing.server import Spares

    with closing(Spares(dal_server, dal_template)) as spares:
        yield spares


@pytest.fixture(scope="session")
def _dal_spares_of(dal_server: "Postgres") -> Iterator[Callable[["_Folders"], "Spares"]]:
    """Makes the databases of further services in the run, by their migrations."""
    from dal.testing.server import Spares, database_name

    with ExitStack() as stack:

        @cache
        def spares(folders: "_Folders") -> Spares:
            url = _migrated(dal_server, folders)
            stack.callback(dal_server.drop, url)
            return stack.enter_context(closing(Spares(dal_server, database_name(url))))

        yield spares


@pytest.fixture
def dal_database(
    dal_spares: "Spares", _dal_spares_of: Callable[["_Folders"], "Spares"]
) -> Iterator[str]:
    """The URL of a fresh database with all migrations."""
    from dal.project import service

    with told():
        folders = tuple(service.folders(run().service))
        # It is None if the tests define a `dal_template` of their own.
        if run().migrations not in (None, folders):
            dal_spares = _dal_spares_of(folders)
        url = dal_spares.take()
    yield url
    dal_spares.drop(url)


@pytest.fixture
def dal_db(request: pytest.FixtureRequest) -> "dal.Database":
    """A `dal.Database` that is connected to `dal_database`, in the event loop of the test."""
    of_anyio = "anyio_backend" in request.fixturenames
    if pytest_asyncio and pytest_asyncio.is_async_test(request.node):
        if of_anyio:  # which would drive the fixtures, in a loop of its own
            pytest.fail(
                "pytest-asyncio and anyio both take this test for theirs: set asyncio_mode ="
                ' "strict", or write no mark of anyio and no anyio_backend',
                pytrace=False,
            )
        fixture = f"_dal_db_of_{_loop_scope(request.node)}_loop"
    elif of_anyio:
        fixture = "_dal_db_of_anyio"
    else:  # a fixture of the test's may be asynchronous
        fixture = "_dal_db_of_default_loop"
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


def _loop_scope(test: pytest.Item) -> str:
    """Which of pytest-asyncio's event loops runs a test."""
    mark = test.get_closest_marker("asyncio")
    named = mark and (mark.kwargs.get("loop_scope") or mark.kwargs.get("scope"))
    return str(named or test.config.getini("asyncio_default_test_loop_scope"))


def _of_loop(**scope: Any) -> Any:
    """A fixture that connects in one of pytest-asyncio's event loops."""

    async def connected(dal_database: str) -> AsyncIterator["dal.Database"]:
        async for db in _connected(dal_database):
            yield db

    # Without a plugin that runs it, pytest says what is missing.
    fixture: Any = pytest_asyncio.fixture(**scope) if pytest_asyncio else pytest.fixture
    return fixture(connected)


_dal_db_of_default_loop = _of_loop()
_dal_db_of_function_loop = _of_loop(loop_scope="function")
_dal_db_of_class_loop = _of_loop(loop_scope="class")
_dal_db_of_module_loop = _of_loop(loop_scope="module")
_dal_db_of_package_loop = _of_loop(loop_scope="package")
_dal_db_of_session_loop = _of_loop(loop_scope="session")
