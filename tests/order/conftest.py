"""What the tests of this folder share."""

from collections.abc import AsyncIterator

import pytest

import dal


@pytest.fixture
async def wide(url: str) -> AsyncIterator[dal.Database]:
    """A database whose pool has more connections than there are callers."""
    async with dal.connect(url, min_size=1, max_size=70) as db:
        yield db
