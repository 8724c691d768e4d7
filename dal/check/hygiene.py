"""Whether the schema has the indexes that it needs, and none of them twice."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg

from dal.check.findings import Finding
from dal.places import MIGRATIONS

# Ours are the tables that bear the mark of a migration, `dal 0002.tasks: ...`.
_FOREIGN_KEYS = """
    SELECT
        conrelid::regclass::text, conname::text,
        substring(obj_description(conrelid, 'pg_class') FROM '^dal ([^:]*)'),
        ARRAY(
            SELECT quote_ident(attname)
            FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number
            ORDER BY place)
    FROM pg_constraint
    WHERE contype = 'f'
      AND obj_description(conrelid, 'pg_class') LIKE 'dal %' AND pg_table_is_visible(conrelid)
      AND NOT EXISTS (
          SELECT
          FROM pg_index
          JOIN pg_class ON pg_class.oid = indexrelid
          JOIN pg_am ON pg_am.oid = relam AND amname IN ('btree', 'hash')
          WHERE indrelid = conrelid AND indisvalid AND indpred IS NULL
            AND indnkeyatts >= cardinality(conkey)
            AND (indkey::smallint[])[0:cardinality(conkey) - 1] @> conkey)
    ORDER BY 1, 2
"""
# What follows USING is the whole of an index but its name, its table, and whether it is unique.
_DUPLICATES = """
    WITH index AS (
        SELECT
            indrelid, relname::text AS name, relam, indisunique,
            split_part(pg_get_indexdef(indexrelid), ' USING ', 2) AS definition,
            indpred IS NULL AND indexprs IS NULL AND indnatts = indnkeyatts AS plain,
            ARRAY(
                SELECT concat_ws(' ', indkey[n], indclass[n], indcollation[n], indoption[n])
                FROM generate_series(0, indnkeyatts - 1) AS n) AS keys,
            row_number() OVER (ORDER BY indisprimary DESC, indisunique DESC, indexrelid) AS rank
        FROM pg_index
        JOIN pg_class ON pg_class.oid = indexrelid
        WHERE obj_description(indrelid, 'pg_class') LIKE 'dal %' AND pg_table_is_visible(indrelid)
    )
    SELECT DISTINCT ON (one.indrelid::regclass::text, one.name)
        one.indrelid::regclass::text, one.name,
        substring(obj_description(one.indrelid, 'pg_class') FROM '^dal ([^:]*)'),
        other.name, one.definition = other.definition, quote_ident(one.name)
    FROM index AS one
    JOIN index AS other ON other.indrelid = one.indrelid AND other.rank < one.rank
    WHERE one.definition = other.definition
        OR (other.indisunique AND NOT one.indisunique AND one.plain AND other.plain
            AND one.relam = other.relam AND other.keys[1:cardinality(one.keys)] = one.keys)
    ORDER BY 1, 2, other.rank
"""


def findings(connection: psycopg.Connection, folder: Path = MIGRATIONS) -> list[Finding]:
    """Foreign keys without an index, and indexes that there are twice.

    Parameters:
        connection: to a database that is migrated; the catalogue alone is read.
        folder: the migrations, in which the places are.
    """
    return [*_foreign_keys(connection, folder), *_duplicates(connection, folder)]


def _foreign_keys(connection: psycopg.Connection, folder: Path) -> Iterator[Finding]:
    for table, name, mark, columns in connection.execute(_FOREIGN_KEYS):
        listed = ", ".join(columns)
        yield Finding(
            "foreign-key-index",
            *_place(folder, name, mark),
            f"{name} needs an index of {table} that begins with {listed}, in any order; deleting a"
            " row that it refers to scans the table",
            f"add CREATE INDEX CONCURRENTLY ... ON {table} ({listed}) in a migration",
        )


def _duplicates(connection: psycopg.Connection, folder: Path) -> Iterator[Finding]:
    for _, name, mark, other, same, quoted in connection.execute(_DUPLICATES):
        yield Finding(
            "duplicate-index",
            *_place(folder, name, mark),
            f"{name} is {'the same as' if same else 'the beginning of'} {other}",
            f"drop it in a migration: DROP INDEX CONCURRENTLY {quoted}",
        )


def _place(folder: Path, name: str, mark: str) -> tuple[Path, int | None]:
    """Where a migration makes what is called so; else the migration that made its table."""
    makes = re.compile(rf'\b(?i:INDEX|CONSTRAINT|EXISTS|CONCURRENTLY)\s+"?({re.escape(name)})\b')
    for path in sorted(folder.glob("*.sql")):
        if not path.name.endswith(".rollback.sql"):
            # As Source reads it.
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            if found := makes.search(text):
                return path, found.start(1)
    return folder / f"{mark}.sql", None
