"""A standby, where nothing can be written and everything counted is its own."""

from collections.abc import Iterator

import pytest

from tests.faults.restartable import Restartable
from tests.stats.looking import fill, look, run


@pytest.fixture
def standby(url: str, server: Restartable) -> Iterator[str]:
    """The URL of a filled database, whose server follows a primary that there is not."""
    fill(url)
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
    assert ", standby, " in run(f"{standby}&default_transaction_isolation=serializable")
