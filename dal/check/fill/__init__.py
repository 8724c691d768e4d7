"""Fills empty tables with made-up rows, for realistic plans.

The rows obey types, keys, foreign keys and CHECKs, and are the same each time. They tell nothing
about real data: a project with typical rows provides them with `populate`.
"""

from collections.abc import Iterator

import psycopg

from dal.check.fill.insert import insert_statement
from dal.check.fill.tables import FillTable, read_tables

# In the order of creation, because a view may read an earlier one.
_VIEWS = """
    SELECT pg_class.oid::regclass::text
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = 'm' AND nspname = ANY (current_schemas(false))
    ORDER BY pg_class.oid
"""


def fill(connection: psycopg.Connection) -> Iterator[str]:
    """Put rows into the empty tables of a throw-away database.

    Parameters:
        connection: in autocommit mode, to a database that is migrated.

    Yields:
        A sentence for each table that could not be filled.
    """
    # Otherwise VACUUM may run before a commit is on disk, and marks no page as all-visible.
    connection.execute("SET synchronous_commit = on")
    tables = read_tables(connection)
    filled = {oid for oid, table in tables.items() if _has_rows(connection, table.name)}
    waiting = [oid for oid in tables if oid not in filled]
    while waiting:
        ready = [oid for oid in waiting if _parents(tables[oid]) <= filled]
        if not ready:
            for oid in waiting:
                yield f"{tables[oid].name} refers to a table without rows"
            break
        for oid in ready:
            waiting.remove(oid)
            if problem := _fill(connection, tables[oid], filled):
                yield f"{tables[oid].name}: {problem}"
            else:
                filled.add(oid)
    for (view,) in connection.execute(_VIEWS).fetchall():
        try:
            connection.execute(f"REFRESH MATERIALIZED VIEW {view}".encode())
        except psycopg.errors.DatabaseError as error:
            yield f"{view}: its query fails on made-up rows ({error.diag.message_primary})"
        else:
            connection.execute(f"VACUUM (ANALYZE) {view}".encode())


def _fill(connection: psycopg.Connection, table: FillTable, filled: set[int]) -> str | None:
    """Fill a table; returns the reason if that fails, else None."""
    try:
        with connection.transaction():
            connection.execute(insert_statement(connection, table, filled).encode())
    except psycopg.errors.DatabaseError as error:
        return f"made-up rows are refused ({error.diag.message_primary})"
    if not _has_rows(connection, table.name):
        return "no made-up row obeys its CHECKs and keys"
    connection.execute(f"VACUUM (ANALYZE) {table.name}".encode())
    return None


def _has_rows(connection: psycopg.Connection, table: str) -> bool:
    row = connection.execute(f"SELECT EXISTS (SELECT FROM {table})".encode()).fetchone()  # noqa: S608
    return bool(row and row[0])


def _parents(table: FillTable) -> set[int]:
    """The tables that must have rows before this one; foreign keys that may be NULL need none."""
    return {key.parent for key in table.keys if key.parent != table.oid and table.is_required(key)}
