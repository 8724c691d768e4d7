"""A standby, where nothing can be written and everything counted is its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

import dal
from dal.cli.commands import app
from dal.paths import SQL
from dal.testing.server import database_name
from tests.faults.restartable import Restartable
from tests.roles import role
from tests.stats.looking import fill, look, run


@contextmanager
def following(server: Restartable) -> Iterator[None]:
    """Let a server follow a primary that there is not."""
    signal = server.directory / "data" / "standby.signal"
    server.stop()
    signal.touch()
    server.start()
    yield
    server.stop()
    signal.unlink()
    server.start()


@pytest.fixture
def standby(url: str, server: Restartable) -> Iterator[str]:
    """The URL of a filled database on it, whose default isolation is one that no standby has."""
    fill(url)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            f"ALTER DATABASE {database_name(url)}"
            " SET default_transaction_isolation = serializable".encode()
        )
    with following(server):
        yield url


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


# A fault of the schema, and one that only the plans of many rows show.
FAULTS = """
    ALTER TABLE messages ALTER content DROP NOT NULL;
    INSERT INTO tasks (user_id, title) SELECT 'ada', 'Milk' FROM generate_series(1, 6000);
    ANALYZE tasks;
    DROP INDEX idx_tasks_user_id;
"""
GRANTS = (SQL / "grants.sql").read_text(encoding="utf-8").replace(':"service"', "{role}")
HELD = """
    SELECT
        pg_snapshot_xmax(pg_current_snapshot())::text AS next_transaction,
        (SELECT count(*) FROM users), (SELECT count(*) FROM tasks),
        (SELECT count(*) FROM conversations), (SELECT count(*) FROM messages)
"""


def checked(url: str) -> tuple[int, set[tuple[str, str, bool]], list[Any]]:
    """The exit status of `dal check`, what it finds in which file, and all that it says."""
    result = CliRunner().invoke(app, ["check", "--json"], env={"DATABASE_URL": url})
    assert result.stderr == ""
    findings = json.loads(result.stdout)
    return result.exit_code, {(f["rule"], f["file"], f["decides"]) for f in findings}, findings


def test_a_check_finds_the_same_there_whoever_asks_and_writes_nothing(
    url: str, server: Restartable
) -> None:
    fill(url)
    with role(url, GRANTS) as service:
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute(FAULTS)
            before = owner.execute(HELD).fetchone()
            code, rules, findings = checked(url)
            assert checked(service) == (code, rules, findings)
            assert owner.execute(HELD).fetchone() == before
        with following(server):
            assert [checked(url), checked(service)] == [(code, rules, findings)] * 2
    assert code == 16
    assert ("nullable", "sql/messages/history.sql", True) in rules
    assert ("sort", "sql/tasks/list_for_user.sql", False) in rules
