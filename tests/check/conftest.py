"""A database for all tests of a module, which only look at it."""

from collections.abc import Iterator

import pytest

from tests.servers import Postgres


@pytest.fixture(scope="module")
def module_database(postgres: Postgres) -> Iterator[str]:
    url = postgres.create()
    yield url
    postgres.drop(url)
