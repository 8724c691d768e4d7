"""Plans on made-up rows: what is sound on any data is not reported, what is not still is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dal.check.fill import fill
from dal.check.project import Project
from dal.check.rules import PLAN_RULES
from dal.check.run import prove
from dal.check.server.catalog import Catalog
from dal.check.server.populate import populate
from dal.check.statement import BoundStatement
from dal.project.dal_project import dal_project
from dal.testing.server import Postgres
from tests.check.stubs import bound, list_of

LABELS = """
    CREATE TABLE labels (
        user_id text NOT NULL,
        conversation_id uuid NOT NULL,
        name text NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
        PRIMARY KEY (user_id, conversation_id, name),
        FOREIGN KEY (user_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
    )
"""
JOINED = "labels AS l ON l.user_id = c.user_id AND l.conversation_id = c.id"


@pytest.fixture(scope="module")
def connection(dal_server: Postgres, dal_template: str) -> Iterator[psycopg.Connection]:
    """dal's tables with their usual rows, and a service's table with made-up ones."""
    url = dal_server.create(dal_template)
    with psycopg.connect(url, autocommit=True) as connection:
        populate(connection, dal_project())
        connection.execute(LABELS)
        assert list(fill(connection)) == []
        yield connection
    dal_server.drop(url)


def rules(connection: psycopg.Connection, folder: Path, sql: str, **parameters: Any) -> list[str]:
    """The findings about a statement's plans, as rule and table."""
    project = Project(folder, (folder,), has_made_up_rows=True)
    catalog = Catalog(connection, [project])
    binding = bound(folder, sql, list_of(id=Any), **parameters)
    return [
        f"{finding.rule} {finding.object}"
        for finding in prove(BoundStatement(binding, catalog), catalog)
        if finding.rule in PLAN_RULES
    ]


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT c.id, array_agg(l.name) AS names FROM conversations AS c LEFT JOIN {JOINED}"
        " WHERE c.user_id = :user_id GROUP BY c.id ORDER BY c.id",
        f"SELECT c.id, l.name FROM conversations AS c JOIN {JOINED}"
        " WHERE c.user_id = :user_id ORDER BY c.id, l.name",
        f"SELECT c.id, l.name FROM conversations AS c JOIN {JOINED}"
        " WHERE c.user_id = :user_id ORDER BY c.updated_at DESC, c.id DESC, l.name LIMIT 20",
        "SELECT c.id FROM conversations AS c WHERE c.user_id = :user_id AND EXISTS (SELECT FROM"
        " labels AS l WHERE l.user_id = c.user_id AND l.conversation_id = c.id AND l.name = 'home')"
        " ORDER BY c.id LIMIT 20",
        f"SELECT c.id FROM conversations AS c JOIN {JOINED}"
        " WHERE l.user_id = :user_id AND l.name = 'home' ORDER BY c.updated_at DESC LIMIT 20",
    ],
)
def test_joins_of_an_owners_rows(connection: psycopg.Connection, tmp_path: Path, sql: str) -> None:
    assert rules(connection, tmp_path, sql, user_id=str) == []


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT name AS id FROM labels WHERE user_id = :user_id ORDER BY name", "sort labels"),
        (
            "SELECT name AS id FROM labels WHERE user_id = :user_id AND name = 'home'"
            " AND conversation_id::text = 'x' ORDER BY name",
            "key-lookup labels",
        ),
        (
            f"SELECT c.id FROM conversations AS c JOIN {JOINED} WHERE c.user_id = :user_id"
            " ORDER BY c.status, l.name",
            "sort conversations",
        ),
    ],
)
def test_what_grows_with_an_owners_rows(
    connection: psycopg.Connection, tmp_path: Path, sql: str, expected: str
) -> None:
    assert expected in rules(connection, tmp_path, sql, user_id=str)
