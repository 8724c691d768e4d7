"""A database for all tests of a module, which only look at it."""

from collections.abc import Iterator

import pytest

from dal.testing.server import Postgres


@pytest.fixture(scope="module")
def module_database(dal_server: Postgres) -> Iterator[str]:
    url = dal_server.create()
    yield url
    dal_server.drop(url)
