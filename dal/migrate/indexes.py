"""Indexes that are built concurrently: finds and repairs INVALID ones, and checks new ones."""

from collections.abc import Iterable
from typing import NamedTuple

import psycopg

from dal.errors import SchemaMismatchError
from dal.migrate.connection import rolled_back
from dal.migrate.index_statement import ConcurrentIndex
from dal.source.identifiers import is_left_by_reindex

# An index that somebody is building at this moment is INVALID as well, and is left alone.
_INVALID = """
    SELECT format('%%I.%%I', nspname, relname), relname::text
    FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE NOT indisvalid
      AND (EXISTS (
              SELECT FROM unnest(%s::text[], %s::text[]) AS built (name, of_table)
              WHERE built.name = relname AND to_regclass(of_table) = indrelid)
          OR nspname = ANY (current_schemas(false))
          AND starts_with(obj_description(indrelid, 'pg_class'), 'dal '))
      AND NOT EXISTS (
          SELECT FROM pg_stat_progress_create_index AS building
          WHERE building.index_relid = indexrelid
      )
    ORDER BY 1
"""

# Whatever relation has the index's name in its table's schema.
_THERE = """
    SELECT format('%%I.%%I', nspname, own.relname), indrelid = table_id, indisvalid AND indisready,
        indisunique, split_part(pg_get_indexdef(indexrelid), ' USING ', 2)
    FROM (SELECT %s::regclass AS table_id) AS meant
    JOIN pg_class AS of_table ON of_table.oid = table_id
    JOIN pg_class AS own ON own.relnamespace = of_table.relnamespace AND own.relname = %s
    JOIN pg_namespace ON pg_namespace.oid = own.relnamespace
    LEFT JOIN pg_index ON indexrelid = own.oid
"""
_EXPECTED = """
    SELECT split_part(pg_get_indexdef('dal_expected_index'::regclass), ' USING ', 2)
"""


class InvalidIndex(NamedTuple):
    """An INVALID index: it slows every write, and no read uses it."""

    qualified: str
    name: str


def invalid(connection: psycopg.Connection, built: Iterable[ConcurrentIndex]) -> list[InvalidIndex]:
    """The INVALID ones among the indexes of our tables and those that migrations build."""
    names, tables = [index.name for index in built], [index.table for index in built]
    return [InvalidIndex(*row) for row in connection.execute(_INVALID, [names, tables])]


def repair(connection: psycopg.Connection, index: InvalidIndex, *, pending: bool) -> None:
    """Drop an INVALID index, or build it again.

    Parameters:
        pending: whether a migration will build it, perhaps with another definition. Then it is
            dropped, because IF NOT EXISTS would accept the INVALID one.
    """
    verb = (
        "DROP INDEX CONCURRENTLY IF EXISTS"
        if pending or is_left_by_reindex(index.name)
        else "REINDEX INDEX CONCURRENTLY"
    )
    connection.execute(f"{verb} {index.qualified}".encode())


def confirm(connection: psycopg.Connection, index: ConcurrentIndex) -> None:
    """Check that the index of a statement exists, is valid, and is defined as in the statement.

    IF NOT EXISTS accepts anything that has the name.

    Raises:
        SchemaMismatchError: the index is missing, INVALID, or defined otherwise.
    """
    row = connection.execute(_THERE, [index.table, index.name]).fetchone()
    if row is None:
        raise SchemaMismatchError(f"there is no index {index.written} of {index.table}")
    qualified, of_table, valid, unique, definition = row
    if not of_table:
        problem = f"is not an index of {index.table}"
    elif not valid:
        problem = "is INVALID"
    elif unique != index.unique or definition not in _definitions(connection, index):
        problem = f"is another index: {'UNIQUE ' * unique}{definition}"
    else:
        return
    raise SchemaMismatchError(f"{qualified} {problem}; rename or drop it, and run again")


def _definitions(connection: psycopg.Connection, index: ConcurrentIndex) -> set[str]:
    """How the catalogue writes the index: made by the statement, and restored from a dump."""
    definition, written = index.definition, set()
    with rolled_back(connection):
        connection.execute(f"CREATE TABLE dal_expected (LIKE {index.table})".encode())
        for _ in range(2):
            connection.execute(
                f"CREATE INDEX dal_expected_index ON dal_expected {definition}".encode()
            )
            row = connection.execute(_EXPECTED).fetchone()
            connection.execute("DROP INDEX dal_expected_index")
            written |= set(row or ())
            definition = f"USING {row[0]}" if row else ""
    return written
