"""A running service, and ada, who has an account with it."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tests.running import Service, running


@pytest.fixture
def service(dal_database: str) -> Iterator[Service]:
    """The service over a fresh database."""
    with running(dal_database) as service:
        yield service


@pytest.fixture
def slow_service(dal_database: str) -> Iterator[Service]:
    """The same, whose model takes 50 ms for each word."""
    with running(dal_database, CHATBOT_PAUSE="0.05") as service:
        yield service


@pytest.fixture
async def ada(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of ada's."""
    async with service.user("ada") as client:
        yield client
