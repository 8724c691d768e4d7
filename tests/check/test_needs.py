"""A statement over an extension's view is proven where the view is there, and only there."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dal.check.project import Project
from dal.check.run import check
from dal.paths import MIGRATIONS
from tests.check.stubs import bound

HEAD = "-- What it answers.\n-- Index: none.\n-- Locks: none.\n"
NEEDS = "-- Needs extra: nothing is shown without it.\n"
SQL = "SELECT count(*) AS cars FROM extra"


@pytest.fixture
def connection(empty_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        yield connection


def looked(connection: psycopg.Connection, folder: Path, sql: str) -> tuple[dict[str, str], bool]:
    """What the statement lacks, and whether the check finds that PostgreSQL refuses it."""
    binding = bound(folder, sql, int)
    findings, lacking = check(
        connection, [Project(MIGRATIONS, (folder,), [binding], comment_prefix="dal ")], live=True
    )
    return lacking, any(finding.rule == "refused" for finding in findings)


def test_it_is_left_out_while_the_view_is_absent(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    assert looked(connection, tmp_path, HEAD + NEEDS + SQL) == ({"cars.look": "extra"}, False)
    connection.execute("CREATE VIEW extra AS SELECT 1 AS car")
    assert looked(connection, tmp_path, HEAD + NEEDS + SQL) == ({}, False)
    assert looked(connection, tmp_path, HEAD + NEEDS + SQL + " WHERE wheels = 4") == ({}, True)


@pytest.mark.parametrize(("version", "proven"), [(14, True), (99, False)])
def test_it_is_left_out_on_an_older_server(
    connection: psycopg.Connection, tmp_path: Path, version: int, proven: bool
) -> None:
    label = f"-- Needs PostgreSQL {version}: nobody asks before.\n"
    lacking = {} if proven else {"cars.look": f"PostgreSQL {version}"}
    assert looked(connection, tmp_path, HEAD + label + SQL) == (lacking, proven)


@pytest.mark.parametrize(
    "label",
    [
        "",
        "-- Needs extra:\n",
        "-- Needs others: as they say.\n",
        "-- Needs PostgreSQL: of any version.\n",
        "-- Needs PostgreSQL 99:\n",
    ],
)
def test_nothing_else_is_left_out(
    connection: psycopg.Connection, tmp_path: Path, label: str
) -> None:
    assert looked(connection, tmp_path, HEAD + label + SQL) == ({}, True)
