"""Behind PgBouncer in transaction mode, where a statement may meet another server connection than
the one that prepared it."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

import dal
from dal import migrate
from dal.cli.commands import app
from tests.database.test_defaults import all_at_once, defaults
from tests.migrations.database import LAST
from tests.surface import FUNCTIONS

PROCESSES = 3
CALLS_OF_A_LIFE = 29


def load(address: str, setting: str, calls: int) -> tuple[Counter[str], Counter[str]]:
    """Calls made and answers that were wrong, from several processes at once."""
    lives = calls // CALLS_OF_A_LIFE // PROCESSES + 1
    command = [sys.executable, str(Path(__file__).with_name("load.py")), address, setting]
    running = [
        subprocess.Popen([*command, str(lives)], stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    made: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for process in running:
        output, _ = process.communicate()
        assert process.returncode == 0
        summary = json.loads(output)
        made.update(summary["made"])
        wrong.update(summary["wrong"])
    return made, wrong


def test_every_answer_is_right(pooled: str) -> None:
    made, wrong = load(pooled, "auto", 10_000)
    assert wrong == Counter()
    assert made.total() >= 10_000
    assert set(made) == set(FUNCTIONS)


def test_the_same_load_fails_where_the_pooler_is_not_recognised(pooled: str) -> None:
    _, wrong = load(pooled, "on", 1_000)
    assert wrong.total() > 0


async def test_statements_that_conflict_by_a_default_isolation_are_repeated(
    pooled: str, url: str, chat: dal.Conversation
) -> None:
    watcher = await asyncpg.connect(url)
    async with defaults(watcher, "database"), dal.connect(pooled, min_size=8) as db:
        await watcher.execute(  # PgBouncer has opened some before
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert await db.fetch("SHOW transaction_isolation") == [("serializable",)]
        await all_at_once(db, chat)
    await watcher.close()


async def test_a_pooler_is_told_from_a_server(pooled: str, url: str) -> None:
    for address, sizes in (pooled, {0}), (url, {100}):
        async with dal.connect(address, min_size=1) as db, db.acquire() as connection:
            assert {connection._config.statement_cache_size} == sizes


@pytest.mark.parametrize(
    "command",
    [("migrate",), ("rollback", "--yes"), ("baseline", LAST), ("distribute",)],
)
def test_migrations_want_the_direct_address(
    pooled: str, url: str, command: tuple[str, ...]
) -> None:
    result = CliRunner().invoke(app, command, env={"DATABASE_URL": pooled})
    assert result.exit_code == 11
    assert "migrate through the direct address" in result.stderr
    assert all(state.applied_at for state in migrate.status(url))
    assert all(state.applied_at for state in migrate.status(pooled))  # looking is allowed
