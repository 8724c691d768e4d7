"""INVALID indexes, which a concurrent build that failed leaves behind."""

import re
from typing import NamedTuple

import psycopg

# An index that somebody builds at this moment is INVALID as well, and none of our business.
_INVALID = """
    SELECT format('%%I.%%I', nspname, relname), relname::text
    FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE NOT indisvalid AND nspname = ANY (current_schemas(false))
      AND (relname = ANY (%s) OR starts_with(obj_description(indrelid, 'pg_class'), 'dal '))
      AND NOT EXISTS (
          SELECT FROM pg_stat_progress_create_index AS building
          WHERE building.index_relid = indexrelid
      )
    ORDER BY 1
"""
_TRANSIENT = re.compile(r"_cc(new|old)\d*$")


class InvalidIndex(NamedTuple):
    """An index that costs every write and serves no read."""

    qualified: str
    name: str


def invalid(connection: psycopg.Connection, names: list[str]) -> list[InvalidIndex]:
    """The INVALID ones among the indexes of our tables and those of the given names."""
    return [InvalidIndex(*row) for row in connection.execute(_INVALID, [names])]


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
