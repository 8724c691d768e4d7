"""The tests of the functions once more, by way of PgBouncer.

Their `db` is another one here; what they run on connections of their own goes to the server itself.
"""

from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest

import dal
from dal.database.pooler import is_behind_pooler

pytestmark = pytest.mark.slow

for path in sorted(Path(__file__).parents[1].glob("functions/test_*.py")):
    module = import_module(f"tests.functions.{path.stem}")
    for name, value in vars(module).items():
        if name.startswith("test_") and callable(value):
            globals()[f"{name}_of_{module.__name__.rpartition('_')[2]}"] = value
        elif "fixture" in type(value).__name__.lower():
            globals()[name] = value


@pytest.fixture
async def db(pooled: str) -> AsyncIterator[dal.Database]:
    async with dal.connect(pooled, min_size=1) as db:
        yield db


async def test_the_pooler_is_really_between(db: dal.Database) -> None:
    async with db.acquire() as connection:
        assert await is_behind_pooler(connection)
