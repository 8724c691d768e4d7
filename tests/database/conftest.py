"""A database for all tests of a module."""

from collections.abc import Iterator

import pytest

from dal.testing.server import Postgres


@pytest.fixture(scope="module")
def module_database(dal_server: Postgres, dal_template: str) -> Iterator[str]:
    url = dal_server.create(dal_template)
    yield url
    dal_server.drop(url)
