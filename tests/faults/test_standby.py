"""A standby, where nothing can be written and everything counted is its own."""

from collections.abc import Iterator

import psycopg
import pytest

import dal
from tests.faults.restartable import Restartable
from tests.servers import database_name
from tests.stats.looking import fill, look, run


@pytest.fixture
def standby(url: str, server: Restartable) -> Iterator[str]:
    """The URL of a filled database, whose server follows a primary that there is not.

    Its default isolation is one that no standby has.
    """
    fill(url)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            f"ALTER DATABASE {database_name(url)}"
            " SET default_transaction_isolation = serializable".encode()
        )
    signal = server.directory / "data" / "standby.signal"
    server.stop()
    signal.touch()
    server.start()
    yield url
    server.stop()
    signal.unlink()


def test_stats_looks_at_it_too(standby: str) -> None:
    seen = look(standby)
    assert seen.server.standby
    assert "writes, dead rows and vacuums" in {note.what for note in seen.unseen}
    assert None not in (seen.tables, seen.indexes, seen.applications)
    assert [count.rows for count in seen.retention or ()] == [1, 0, 0, 0]
    assert (seen.transactions, seen.waits) == ([], [])
    assert ", standby, " in run(standby)


async def test_a_service_reads_from_it(standby: str) -> None:
    async with dal.connect(standby, min_size=1) as db:
        assert await dal.users.get(db, user_id="ada")
