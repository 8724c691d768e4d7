"""A running service, and ada, who has an account with it."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tests.running import Service, running

import dal
from dal import users
from dal.testing.server import Postgres


@pytest.fixture(scope="module")
def dal_database(dal_server: Postgres, dal_template: str) -> Iterator[str]:
    """One database for a module's tests, because a service takes seconds to start."""
    url = dal_server.create(dal_template)
    yield url
    dal_server.drop(url)


@pytest.fixture(scope="module")
def service(dal_database: str) -> Iterator[Service]:
    """The service over the module's database."""
    with running(dal_database) as service:
        yield service


@pytest.fixture
def slow_service(dal_database: str) -> Iterator[Service]:
    """A service of the test's own, whose model takes 50 ms for each word."""
    with running(dal_database, CHATBOT_PAUSE="0.05") as service:
        yield service


@pytest.fixture
async def ada(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of ada's."""
    async with service.user("ada") as client:
        yield client


@pytest.fixture(autouse=True)
async def nobody_is_left(dal_db: dal.Database) -> AsyncIterator[None]:
    """The next test begins without users."""
    yield
    for user_id in ("ada", "bob"):
        await users.delete(dal_db, user_id=user_id)
