"""A database for all tests of a module, and a pool of one connection."""

from collections.abc import AsyncIterator, Iterator

import pytest

import dal
from dal.testing.server import Postgres


@pytest.fixture(scope="module")
def module_database(dal_server: Postgres, dal_template: str) -> Iterator[str]:
    url = dal_server.create(dal_template)
    yield url
    dal_server.drop(url)


@pytest.fixture
async def single(url: str) -> AsyncIterator[dal.Database]:
    """A pool of a single connection, so that the next borrower gets what the last one left."""
    async with dal.connect(url, min_size=1, max_size=1, acquire_timeout=5) as single:
        yield single
