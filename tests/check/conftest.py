"""A database for all tests of a module, which only look at it."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dal.check.project import Project
from dal.check.server.catalog import Catalog
from dal.testing.server import Postgres


@pytest.fixture(scope="module")
def module_database(dal_server: Postgres) -> Iterator[str]:
    url = dal_server.create()
    yield url
    dal_server.drop(url)


@pytest.fixture(scope="module")
def catalog(module_database: str, request: pytest.FixtureRequest) -> Iterator[Catalog]:
    """What a check knows of the module's SCHEMA."""
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute(request.module.SCHEMA)
        yield Catalog(connection, [Project(Path())])
