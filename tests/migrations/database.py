"""What the migrations' tests look at: a database, object by object, and folders of migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import psycopg
from psycopg import sql

from dal.migrate import session
from dal.paths import MIGRATIONS, SQL

IDS = sorted(file.stem for file in MIGRATIONS.glob("*.sql") if ".rollback" not in file.name)
LAST = IDS[-1]
# The numbers of those that a test adds.
NEXT, AFTER = (f"{len(IDS) + n:04}" for n in (1, 2))

Catalogue: TypeAlias = list[tuple[str, str, str]]


class Add(Protocol):
    """Adds a migration to a folder: its id, what it does and what undoes it."""

    def __call__(self, name: str, up: str, down: str = ...) -> Path: ...


def run(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def catalogue(dsn: str) -> Catalogue:
    """Every object of the database, apart from yoyo's tables."""
    query = (SQL / "objects.sql").read_text()
    return [(f"{schema}.{name}", kind, text) for schema, name, kind, text in rows(dsn, query)]


def tables(dsn: str) -> set[str]:
    return {name for name, kind, line in catalogue(dsn) if (kind, line) == ("relation", "r")}


def search_path(dsn: str, *schemas: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET search_path = {}").format(
                sql.Identifier(connection.info.dbname),
                sql.SQL(", ").join(map(sql.Identifier, schemas)),
            )
        )


@contextmanager
def lock_held(dsn: str, key: int = session._LOCK_KEY) -> Iterator[int]:
    """The process id of another run at work."""
    with psycopg.connect(dsn, autocommit=True, application_name="dal migrate") as other:
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        yield other.info.backend_pid
