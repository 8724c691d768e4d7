"""Indexes that are built concurrently: INVALID ones, and those that are meant."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import psycopg

from dal.errors import SchemaMismatchError
from dal.migrate.concurrent import Index
from dal.migrate.connection import undone

# An index that somebody builds at this moment is INVALID as well, and none of our business.
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
_TRANSIENT = re.compile(r"_cc(new|old)\d*$")

# What there is of an index's name in the schema of its table.
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
    """An index that costs every write and serves no read."""

    qualified: str
    name: str


def invalid(connection: psycopg.Connection, built: Iterable[Index]) -> list[InvalidIndex]:
    """The INVALID ones among the indexes of our tables and those that migrations build."""
    names, tables = [one.name for one in built], [one.table for one in built]
    return [InvalidIndex(*row) for row in connection.execute(_INVALID, [names, tables])]


def repair(connection: psycopg.Connection, index: InvalidIndex, *, pending: bool) -> None:
    """Take away an INVALID index, or build it again.

    Parameters:
        pending: a migration will build it, perhaps with another definition: IF NOT EXISTS would
            accept the INVALID one.
    """
    transient = _TRANSIENT.search(index.name)  # left by a REINDEX CONCURRENTLY
    verb = (
        "DROP INDEX CONCURRENTLY IF EXISTS"
        if pending or transient
        else "REINDEX INDEX CONCURRENTLY"
    )
    connection.execute(f"{verb} {index.qualified}".encode())


def confirm(connection: psycopg.Connection, index: Index) -> None:
    """See that the index of a statement is there, is valid, and is what the statement says.

    IF NOT EXISTS is content with anything that has the name.

    Raises:
        SchemaMismatchError: it is not.
    """
    found = connection.execute(_THERE, [index.table, index.name]).fetchone()
    if found is None:
        raise SchemaMismatchError(f"there is no index {index.written} of {index.table}")
    qualified, of_table, valid, unique, definition = found
    if not of_table:
        problem = f"is not an index of {index.table}"
    elif not valid:
        problem = "is INVALID"
    elif unique != index.unique or definition not in _definitions(connection, index):
        problem = f"is another index: {'UNIQUE ' * unique}{definition}"
    else:
        return
    raise SchemaMismatchError(f"{qualified} {problem}; rename or drop it, and run again")


def _definitions(connection: psycopg.Connection, index: Index) -> set[str]:
    """How the catalogue would write the index: from the statement, and from a dump of that."""
    definition, written = index.definition, set()
    with undone(connection):
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
