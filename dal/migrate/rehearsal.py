"""Migrations run in a transaction that is rolled back: what stands in their way, what they make."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from dal.migrate.connection import explained
from dal.migrate.folder import Migration
from dal.places import SQL

_SCRATCH = sql.Identifier("dal_mark")


@contextmanager
def rehearsed(connection: psycopg.Connection, migrations: Sequence[Migration]) -> Iterator[None]:
    """Run migrations, up to one that can't run in a transaction, and undo them at the block's end.

    Raises:
        SchemaMismatchError and others, as a run would; nothing has changed then.
    """
    with connection.transaction(force_rollback=True):
        for migration in migrations:
            if not migration.transactional:
                break
            for number, statement in enumerate(migration.statements, 1):
                with explained(f"{migration.path.name}, statement {number}"):
                    connection.execute(statement.encode())
        yield


def differences(connection: psycopg.Connection, migrations: Sequence[Migration]) -> list[str]:
    """What the current schema lacks, or has beyond, of the tables that migrations make.

    They are run in a schema of their own, which is rolled back. A table that stands elsewhere on
    the search path is used from there, as a run would.
    """
    current, path = connection.execute(
        "SELECT current_schema()::text, current_schemas(false)::text[]"
    ).fetchone() or ("", [])
    with connection.transaction(force_rollback=True):
        with explained("the comparison makes a schema, and rolls it back"):
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(_SCRATCH))
        others = [_SCRATCH, *(sql.Identifier(one) for one in path if one != current)]
        connection.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.SQL(", ").join(others)))
        with rehearsed(connection, migrations):
            wanted = _objects(connection, _SCRATCH.as_string().strip('"'))
    made = {one[0] for one in wanted}
    has = {one for one in _objects(connection, current) if one[0] in made}
    absent = made - {one[0] for one in has}
    return [
        *(f"missing: {name}" for name in sorted(absent)),
        *(f"missing: {' '.join(one)}" for one in sorted(wanted - has) if one[0] not in absent),
        *(f"unknown: {' '.join(one)}" for one in sorted(has - wanted)),
    ]


def _objects(connection: psycopg.Connection, schema: str) -> set[tuple[str, str, str]]:
    rows = connection.execute((SQL / "objects.sql").read_bytes())
    return {tuple(row[1:]) for row in rows if row[0] == schema}
