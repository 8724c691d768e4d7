"""Indexes that are missing, and indexes that are there twice."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dal.check.project import Project
from dal.check.rules.indexes import indexes
from dal.check.server.catalog import Catalog
from dal.paths import MIGRATIONS
from dal.testing.server import Postgres
from tests.migrations.database import NEXT


def _marked(folder: Path) -> Project:
    """A project whose tables have dal's comment prefix."""
    return Project(folder, (folder,), migrations=folder, comment_prefix="dal ")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(MIGRATIONS, tmp_path / "migrations")


@pytest.fixture(scope="module")
def connection(dal_server: Postgres, dal_template: str) -> Iterator[psycopg.Connection]:
    url = dal_server.create(dal_template)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
    dal_server.drop(url)


def findings_after(connection: psycopg.Connection, folder: Path, migration: str = "") -> list[str]:
    """Rule, file, line and column of each finding after one more migration, which is undone."""
    (folder / f"{NEXT}.more.sql").write_text(f"-- more: what this test breaks.\n{migration}")
    with connection.transaction(force_rollback=True):
        connection.execute(migration.encode())
        return [
            "{} {}:{}:{}".format(finding.rule, finding.path.name, *finding.line_and_column)
            for finding in indexes([], Catalog(connection, [_marked(folder)]))
        ]


def test_the_projects_own(connection: psycopg.Connection, folder: Path) -> None:
    assert findings_after(connection, folder) == []


@pytest.mark.parametrize(
    ("migration", "expected"),
    [
        # The new key's two columns begin no index, though an index holds them.
        (
            "ALTER TABLE messages ADD quoted_id uuid,\n"
            "  ADD CONSTRAINT quotes FOREIGN KEY (user_id, quoted_id)\n"
            "  REFERENCES messages (user_id, id);\n"
            "CREATE INDEX idx_quoted ON messages (user_id, created_at, quoted_id)",
            [f"foreign-key-index {NEXT}.more.sql:3:18"],
        ),
        # In any order, behind nothing.
        (
            "ALTER TABLE messages ADD quoted_id uuid,\n"
            "  ADD CONSTRAINT quotes FOREIGN KEY (user_id, quoted_id)\n"
            "  REFERENCES messages (user_id, id);\n"
            "CREATE INDEX idx_quoted ON messages (quoted_id, user_id, created_at)",
            [],
        ),
        # One that serves some rows only serves no key.
        (
            "ALTER TABLE tasks ADD other_id varchar(255)\n"
            "  CONSTRAINT other REFERENCES users (id);\n"
            "CREATE INDEX idx_other ON tasks (other_id) WHERE completed",
            [f"foreign-key-index {NEXT}.more.sql:3:14"],
        ),
        # Without a name in the migrations the place is where its table gets it.
        (
            "ALTER TABLE tasks ADD other_id varchar(255) REFERENCES users (id)",
            [f"foreign-key-index {NEXT}.more.sql:2:13"],
        ),
        (
            "-- table notes\n"
            "CREATE TABLE IF NOT EXISTS notes (id int PRIMARY KEY);\n"
            "COMMENT ON TABLE notes IS 'dal 0099.notes: notes';\n"
            "ALTER TABLE ONLY public.notes ADD by_id varchar(255), ADD at date;\n"
            "ALTER TABLE notes ADD FOREIGN KEY (by_id) REFERENCES users (id);\n"
            "ALTER TABLE notes ADD also_id int",
            [f"foreign-key-index {NEXT}.more.sql:6:13"],
        ),
        (
            "ALTER TABLE messages DROP CONSTRAINT messages_pkey CASCADE;\n"
            "DROP INDEX idx_messages_conversation_id, idx_messages_conversation_created",
            ["foreign-key-index 0004.messages.sql:10:22"],
        ),
    ],
)
def test_foreign_keys(
    connection: psycopg.Connection, folder: Path, migration: str, expected: list[str]
) -> None:
    assert findings_after(connection, folder, migration) == expected


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ("again ON tasks (user_id, created_at DESC, id DESC)", True),
        ("again ON tasks (user_id, created_at DESC, id)", False),
        ("again ON tasks USING hash (user_id)", False),
        ("again ON tasks (user_id, id)", True),
        ("again ON tasks (user_id)", True),  # the beginning of the primary key
        ("again ON tasks (user_id DESC)", False),
        ("again ON tasks (id)", False),
        ("again ON tasks (user_id text_pattern_ops)", False),
        ("again ON tasks (user_id) WHERE completed", False),
        ("again ON tasks (user_id) INCLUDE (title)", False),
        ("again ON tasks (lower(title))", False),
        ("IF NOT EXISTS again ON tasks (user_id, id)", True),
    ],
)
def test_duplicates(
    connection: psycopg.Connection, folder: Path, index: str, expected: bool
) -> None:
    place = f"duplicate-index {NEXT}.more.sql:2:{14 + index.index('again')}"
    assert findings_after(connection, folder, f"CREATE INDEX {index}") == [place] * expected


@pytest.mark.parametrize(
    ("migration", "place"),
    [
        ("CREATE INDEX ON tasks (title);\nCREATE INDEX ON tasks (user_id, id)", "3:17"),
        (
            "CREATE TABLE t (a int UNIQUE);\nALTER TABLE t ADD UNIQUE (a);\n"
            "COMMENT ON TABLE t IS 'dal 0099.t: t'",
            "2:14",
        ),
    ],
)
def test_a_duplicate_without_a_name(
    connection: psycopg.Connection, folder: Path, migration: str, place: str
) -> None:
    expected = [f"duplicate-index {NEXT}.more.sql:{place}"]
    assert findings_after(connection, folder, migration) == expected


def test_the_advice_runs_for_names_that_need_quotes(
    connection: psycopg.Connection, folder: Path
) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute(
            'ALTER TABLE tasks ADD "Other Id" varchar(255) REFERENCES users (id);'
            'CREATE INDEX "Again" ON tasks (user_id)'
        )
        projects = [_marked(folder)]
        for finding in indexes([], Catalog(connection, projects)):
            advice = re.search("(CREATE|DROP) INDEX .*(?= in )|DROP INDEX .*", finding.help)
            assert advice
            statement = advice[0].replace("CONCURRENTLY", "").replace("...", "")
            connection.execute(statement.encode())
        assert list(indexes([], Catalog(connection, projects))) == []


def test_the_unique_one_of_two_stays(connection: psycopg.Connection, folder: Path) -> None:
    twice = (
        "CREATE INDEX plain ON tasks (title, user_id);\n"
        "CREATE UNIQUE INDEX exact ON tasks (title, user_id);\n"
        "CREATE INDEX partly ON tasks (lower(title)) WHERE completed;\n"
        "CREATE INDEX same ON tasks (lower(title)) WHERE completed"
    )
    assert findings_after(connection, folder, twice) == [
        f"duplicate-index {NEXT}.more.sql:2:14",
        f"duplicate-index {NEXT}.more.sql:5:14",
    ]


def test_one_that_serves_some_rows_only_replaces_none(
    connection: psycopg.Connection, folder: Path
) -> None:
    both = (
        "CREATE UNIQUE INDEX partly ON tasks (title, id) WHERE completed;"
        "CREATE INDEX whole ON tasks (title)"
    )
    assert findings_after(connection, folder, both) == []


def test_somebody_elses_table_is_left_alone(connection: psycopg.Connection, folder: Path) -> None:
    theirs = (
        "CREATE TABLE theirs (user_id varchar(255) REFERENCES users (id), number int);"
        "CREATE INDEX one ON theirs (number); CREATE INDEX two ON theirs (number)"
    )
    assert findings_after(connection, folder, theirs) == []
