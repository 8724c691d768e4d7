"""A shop with none of dal's tables: its statements are proven and run with an installed wheel."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dal.testing.server import Postgres
from tests.packaging.conftest import Run, running


@pytest.fixture
def merges(dal_server: Postgres) -> bool:
    """Whether the server has MERGE, which is of PostgreSQL 15 and later."""
    return int(dal_server.version().partition(".")[0]) >= 15


@pytest.fixture
def run(copied: Callable[[str], Path], empty_database: str) -> Run:
    """Runs a module of the installed dal in a copy of the shop, on an empty database."""
    return running(copied("shop"), empty_database)


def test_its_tests_pass(run: Run, dal_server: Postgres, merges: bool) -> None:
    done = run("pytest", "-q", "-p", "no:cacheprovider", DAL_TEST_POSTGRES=dal_server.url)
    assert done.returncode == 0, done.stdout
    assert ("66 passed" if merges else "65 passed, 1 skipped") in done.stdout


def test_each_statement_is_proven_on_a_live_database(run: Run, merges: bool) -> None:
    migrated = run("dal", "migrate")
    assert migrated.returncode == 0, migrated.stderr
    done = run("dal", "check")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"proved {40 if merges else 39} statements of shop" in done.stdout
    needs = "not proven: stock.deliver, because there is no PostgreSQL 15"
    assert (needs in done.stdout) is not merges


def test_its_migrations_are_undone(run: Run) -> None:
    linted = run("dal", "lint-migrations")
    assert linted.returncode == 0, linted.stdout
    assert run("dal", "migrate").returncode == 0
    undone = run("dal", "rollback", "--all", "--yes")
    assert undone.returncode == 0, undone.stderr
    assert re.findall(r"^rolled back shop/(\d+)", undone.stdout, re.MULTILINE) == [
        f"{number:04}" for number in range(8, 0, -1)
    ]
    assert run("dal", "migrate").returncode == 0
