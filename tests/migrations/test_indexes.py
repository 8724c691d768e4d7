"""INVALID indexes: told after every run, repaired by the next."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from dal import errors, migrate
from dal.migrate import Folder
from tests.migrations.database import AFTER, NEXT, Add, rows, run

UNIQUE = (
    "-- transactional: false\n"
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idx_title ON {} (title)"
)
DROP = "DROP INDEX CONCURRENTLY IF EXISTS idx_title"
TWINS = "INSERT INTO tasks (user_id, title) VALUES ('ada', 'a'), ('ada', 'a')"
INDEXES = """
    SELECT relname::text, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relname LIKE 'idx_title%' ORDER BY 1
"""


@pytest.fixture
def twins(migrated: str) -> str:
    """A database in which no unique index can be built."""
    run(migrated, "INSERT INTO users (id) VALUES ('ada')", TWINS)
    return migrated


def failing_run(dsn: str, folder: Path) -> list[str]:
    reported: list[str] = []
    with pytest.raises(errors.DalError, match=rf"^{NEXT}.title.sql, statement 1: could not create"):
        migrate.apply(dsn, folders=[Folder(folder)], report=reported.append)
    return reported


INVALID = "the index public.idx_title is INVALID; the next run repairs it"
REPAIRED = "repaired the INVALID index public.idx_title"


def test_a_failed_build_is_told_and_built_anew(twins: str, folder: Path, add: Add) -> None:
    add(f"{NEXT}.title", UNIQUE.format("tasks"), DROP)
    assert failing_run(twins, folder) == [INVALID]
    assert rows(twins, INDEXES) == [("idx_title", False)]
    assert failing_run(twins, folder) == [REPAIRED, INVALID]  # not taken for done

    run(twins, "DELETE FROM tasks")
    # Other columns now: the INVALID one must not be taken for it.
    add(f"{NEXT}.title", UNIQUE.format("tasks").replace("title)", "id, title)"), DROP)
    reported: list[str] = []
    migrate.apply(twins, folders=[Folder(folder)], report=reported.append)
    assert reported[0] == REPAIRED
    assert reported[1].startswith(f"applied {NEXT}.title in ")
    assert rows(twins, INDEXES) == [("idx_title", True)]
    [(definition,)] = rows(twins, "SELECT pg_get_indexdef('idx_title'::regclass)")
    assert definition.endswith("(id, title)")


def test_the_index_of_a_table_that_is_not_ours(empty_database: str, folder: Path, add: Add) -> None:
    run(
        empty_database, "CREATE TABLE orders (title text)", "INSERT INTO orders VALUES ('a'), ('a')"
    )
    migrate.apply(empty_database)
    add(f"{NEXT}.title", UNIQUE.format("orders"), DROP)
    assert failing_run(empty_database, folder) == [INVALID]
    run(empty_database, "TRUNCATE orders")
    migrate.apply(empty_database, folders=[Folder(folder)])
    assert rows(empty_database, INDEXES) == [("idx_title", True)]


def test_a_failed_reindex_of_an_applied_one(twins: str, folder: Path, add: Add) -> None:
    run(twins, "DELETE FROM tasks")
    add(f"{NEXT}.title", UNIQUE.format("tasks"), DROP)
    migrate.apply(twins, folders=[Folder(folder)])
    # A build that somebody broke off, as the catalogue shows it.
    run(
        twins,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_title'::regclass",
        "CREATE INDEX idx_title_ccnew ON tasks (title)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_title_ccnew'::regclass",
        "CREATE INDEX idx_title_ccnewer ON tasks (title)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_title_ccnewer'::regclass",
    )
    before = rows(twins, INDEXES)
    reported: list[str] = []
    migrate.apply(twins, folders=[Folder(folder)], dry_run=True, report=reported.append)
    assert (reported, rows(twins, INDEXES)) == ([], before)
    assert migrate.apply(twins, folders=[Folder(folder)], report=reported.append) == []
    assert reported == [REPAIRED, f"{REPAIRED}_ccnew", f"{REPAIRED}_ccnewer"]
    assert rows(twins, INDEXES) == [("idx_title", True), ("idx_title_ccnewer", True)]


def test_others_indexes_are_left_alone(migrated: str) -> None:
    run(
        migrated,
        "CREATE TABLE orders (title text)",
        "CREATE INDEX idx_title ON orders (title)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_title'::regclass",
        "CREATE SCHEMA other",
        "CREATE TABLE other.tasks (title text)",
        "COMMENT ON TABLE other.tasks IS 'dal 0002.tasks: another installation'",
        "CREATE INDEX idx_title ON other.tasks (title)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'other.idx_title'::regclass",
    )
    migrate.apply(migrated)
    assert rows(migrated, INDEXES) == [("idx_title", False)] * 2


def test_an_index_that_is_being_built_is_left_alone(migrated: str) -> None:
    def build() -> None:
        run(migrated, "CREATE INDEX CONCURRENTLY idx_title ON tasks (title)")

    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(migrated) as blocker:
            blocker.execute("UPDATE tasks SET title = title")
            building = pool.submit(build)
            while rows(migrated, INDEXES) != [("idx_title", False)]:
                assert not building.done()
            reported: list[str] = []
            assert migrate.apply(migrated, report=reported.append) == []
            assert reported == []
        building.result(timeout=30)
    assert rows(migrated, INDEXES) == [("idx_title", True)]


def test_an_index_that_no_migration_made_stops_no_run(twins: str) -> None:
    with suppress(psycopg.errors.UniqueViolation):
        run(twins, "CREATE UNIQUE INDEX CONCURRENTLY idx_title ON tasks (title)")
    reported: list[str] = []
    assert migrate.apply(twins, report=reported.append) == []
    assert len(reported) == 1
    assert reported[0].startswith(
        "the repair of the INVALID index public.idx_title: could not create"
    )
    assert reported[0].endswith("; no migration made it, so it is left to you")
    run(twins, "DELETE FROM tasks")
    assert migrate.apply(twins, report=reported.append) == []
    assert REPAIRED in reported
    assert rows(twins, INDEXES) == [("idx_title", True)]


# The history entry is written for the index that the statement names, however it is written.

HEAD = (
    "-- transactional: false\n-- Not CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_wrong ON x (y).\n"
)
BUILD = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS"


@pytest.mark.parametrize(
    ("name", "in_catalogue"),
    [
        ("Idx_Title", "idx_title"),
        ('"Idx ""title"""', 'Idx "title"'),
        ("/* INDEX CONCURRENTLY IF NOT EXISTS idx_wrong */ idx_title", "idx_title"),
        ("-- why\nidx_title", "idx_title"),
        ("i" * 70, "i" * 63),
    ],
)
def test_a_failed_build_is_not_taken_for_done_whatever_its_name(
    twins: str, folder: Path, add: Add, name: str, in_catalogue: str
) -> None:
    add(f"{NEXT}.title", f"{HEAD}{BUILD} {name} ON public . tasks (title)", DROP)
    query = f"""
        SELECT indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid
        WHERE relname = '{in_catalogue}'
    """
    for _ in range(2):
        failing_run(twins, folder)
        assert rows(twins, query) == [(False,)]
    run(twins, "DELETE FROM tasks")
    migrate.apply(twins, folders=[Folder(folder)])
    assert rows(twins, query) == [(True,)]


@pytest.mark.parametrize(
    ("there", "problem"),
    [
        ("CREATE INDEX idx_title ON tasks (title)", "public.idx_title is another index: btree (ti"),
        ("CREATE UNIQUE INDEX idx_title ON tasks (id)", "is another index: UNIQUE btree (id)"),
        ("CREATE UNIQUE INDEX idx_title ON users (id)", "public.idx_title is not an index of tas"),
        ("CREATE TABLE idx_title ()", "public.idx_title is not an index of tasks"),
        ("CREATE UNIQUE INDEX idx_title ON tasks (title) WHERE title <> ''", "another index: UNI"),
    ],
)
def test_what_bears_the_name_and_is_not_the_index_is_not_recorded(
    migrated: str, folder: Path, add: Add, there: str, problem: str
) -> None:
    add(f"{NEXT}.title", UNIQUE.format("tasks"), DROP)
    run(migrated, there)
    with pytest.raises(errors.SchemaMismatchError, match=re.escape(problem)) as failed:
        migrate.apply(migrated, folders=[Folder(folder)])
    assert str(failed.value).endswith("rename or drop it, and run again")
    assert not migrate.status(migrated, folders=[Folder(folder)])[-1].applied_at
    kind = "TABLE" if "TABLE" in there else "INDEX"
    run(migrated, f"ALTER {kind} idx_title RENAME TO idx_another")
    migrate.apply(migrated, folders=[Folder(folder)])


@pytest.mark.parametrize(
    "columns", ["(title)", "USING btree (lower(title) DESC) WHERE title IN ('a', 'b'); -- why"]
)
def test_the_index_itself_made_by_hand_or_by_a_dump_is_recorded(
    migrated: str, folder: Path, add: Add, columns: str
) -> None:
    add(f"{NEXT}.title", f"{HEAD}{BUILD} idx_title ON tasks {columns}", DROP)
    run(migrated, f"CREATE UNIQUE INDEX idx_title ON tasks {columns}")
    [(definition,)] = rows(migrated, "SELECT pg_get_indexdef('idx_title'::regclass)")
    migrate.apply(migrated, folders=[Folder(folder)])
    migrate.rollback(migrated, folders=[Folder(folder)])
    run(migrated, definition)
    migrate.apply(migrated, folders=[Folder(folder)])


def test_a_rollback_that_finds_no_index_says_so(migrated: str, folder: Path, add: Add) -> None:
    add(f"{NEXT}.title", UNIQUE.format("tasks"), DROP)
    reported: list[str] = []
    for prepare in ("SELECT", DROP):
        migrate.apply(migrated, folders=[Folder(folder)])
        run(migrated, prepare)
        migrate.rollback(migrated, folders=[Folder(folder)], report=reported.append)
    assert reported[0].startswith(f"rolled back {NEXT}.title in ")
    assert reported[1:] == [
        f'{NEXT}.title.rollback.sql: index "idx_title" does not exist, skipping',
        f"{NEXT}.title had nothing to roll back, and is pending again",
    ]


def test_mark_knows_an_index_that_was_built_concurrently(
    migrated: str, folder: Path, add: Add
) -> None:
    add(f"{NEXT}.title", UNIQUE.format("tasks"), DROP)
    add(f"{AFTER}.due", "ALTER TABLE tasks ADD due date")
    migrate.apply(migrated, folders=[Folder(folder)])
    run(migrated, "DELETE FROM _yoyo_migration")
    assert migrate.baseline(migrated, AFTER, folders=[Folder(folder)])[-1] == f"{AFTER}.due"


def test_a_migration_that_drops_an_index_concurrently(
    migrated: str, folder: Path, add: Add
) -> None:
    add(f"{NEXT}.title", UNIQUE.format("tasks"), DROP)
    apart, _, build = UNIQUE.format("tasks").partition("\n")
    add(f"{AFTER}.no-title", f"{apart}\n{DROP}", build)
    changed = [Folder(folder)]
    migrate.apply(migrated, folders=changed)
    assert rows(migrated, INDEXES) == []
    assert migrate.baseline(migrated, AFTER, folders=changed) == []
    migrate.rollback(migrated, folders=changed)
    assert rows(migrated, INDEXES) == [("idx_title", True)]
    with pytest.raises(errors.SchemaMismatchError, match="unknown: tasks index idx_title"):
        migrate.baseline(migrated, AFTER, folders=changed)
