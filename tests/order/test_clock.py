"""The order of a conversation holds when the server's clock steps back while people write."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import dal
from dal import conversations, errors, migrate, users
from dal.testing.server import Postgres
from tests.faults.restartable import Restartable
from tests.order.writers import Scene

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.skipif(
    LIBRARY is None, reason="libfaketime is not installed (the package libfaketime of Debian)"
)


class Clock:
    """How far a server's clock is from the machine's, in a file that the server reads each time."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "clock"
        self.set(timedelta())

    def set(self, offset: timedelta) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset.total_seconds():+.0f}")
        new.replace(self.file)  # whoever reads sees the old text or the new one

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture
def clock() -> Iterator[Clock]:
    with tempfile.TemporaryDirectory(prefix="dal-clock-") as folder:
        Path(folder).chmod(0o755)  # the server's user reads in it
        yield Clock(Path(folder))


@asynccontextmanager
async def stepping(dal_server: Postgres, clock: Clock) -> AsyncIterator[dal.Database]:
    """A database of a server that goes by the clock."""
    with Restartable.like(dal_server, {"fsync": "off"}, clock.environment) as server:
        migrate.apply(server.dsn())
        async with dal.connect(server.dsn(), min_size=1, max_size=70) as db:
            yield db


async def time(db: dal.Database) -> datetime:
    [[now]] = await db.fetch("SELECT clock_timestamp()")
    assert isinstance(now, datetime)
    return now


async def test_the_servers_clock_steps_back(dal_server: Postgres, clock: Clock) -> None:
    for attempt in range(3):
        try:
            async with stepping(dal_server, clock) as db:
                await step_back_beside_writers(db, clock)
            return
        except errors.DatabaseUnavailableError:
            # Once in some dozens of runs libfaketime ends a backend, and with it the server.
            if attempt == 2:
                raise


async def step_back_beside_writers(db: dal.Database, clock: Clock) -> None:
    clock.set(timedelta())
    ada = await users.ensure(db, user_id="ada")
    chat = await conversations.create(db, user_id=ada.id)
    scene = await Scene.set(db, chat)
    await scene.play(writers=50, rounds=1)
    before = await time(db)

    async def step_back() -> None:
        clock.set(-HOUR)
        assert await time(db) < before - HOUR / 2

    await asyncio.gather(scene.play(writers=50, rounds=1), step_back())
    await scene.play(writers=50, rounds=1)
    assert await time(db) < scene.met[-1].created_at - HOUR / 2
