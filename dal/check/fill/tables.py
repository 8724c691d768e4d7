"""The properties of a table that made-up rows have to fit, read from the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

_TABLES = """
    SELECT pg_class.oid, pg_class.oid::regclass::text
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relname !~ '^_?yoyo_'
      AND nspname = ANY (current_schemas(false))
    ORDER BY relname COLLATE "C"
"""
_COLUMNS = """
    SELECT
        quote_ident(attname), format_type(coalesce(nullif(typbasetype, 0), atttypid), CASE
            WHEN typtype = 'd' THEN typtypmod ELSE atttypmod END),
        attnotnull OR typnotnull, pg_get_expr(adbin, adrelid),
        attgenerated <> '' OR attidentity <> ''
            OR coalesce(pg_get_expr(adbin, adrelid) LIKE 'nextval(%%', false),
        ARRAY(
            SELECT quote_literal(enumlabel) FROM pg_enum
            WHERE enumtypid = coalesce(nullif(typbasetype, 0), atttypid) ORDER BY enumsortorder)
    FROM pg_attribute
    JOIN pg_type ON pg_type.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = %(table)s AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""
# In a domain's CHECK, VALUE stands for the column.
_CHECKS = """
    SELECT
        ARRAY(
            SELECT quote_ident(attname) FROM pg_attribute
            WHERE attrelid = conrelid AND attnum = ANY (conkey)),
        pg_get_expr(conbin, conrelid)
    FROM pg_constraint
    WHERE conrelid = %(table)s AND contype = 'c'
    UNION ALL
    SELECT
        ARRAY[quote_ident(attname)],
        regexp_replace(
            substring(pg_get_constraintdef(pg_constraint.oid) FROM 'CHECK (\\(.*\\))'),
            '\\mVALUE\\M', quote_ident(attname), 'g')
    FROM pg_attribute
    JOIN pg_constraint ON contypid = atttypid AND contype = 'c'
    WHERE attrelid = %(table)s AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT
        ARRAY(
            SELECT quote_ident(attname) FROM pg_attribute
            WHERE attrelid = partrelid AND attnum = ANY (partattrs)),
        concat('(', string_agg(pg_get_partition_constraintdef(inhrelid), ') OR ('), ')')
    FROM pg_partitioned_table
    JOIN pg_inherits ON inhparent = partrelid
    WHERE partrelid = %(table)s
    GROUP BY partrelid, partattrs
"""
_FOREIGN_KEYS = """
    SELECT
        confrelid,
        ARRAY(
            SELECT quote_ident(attname)
            FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number
            ORDER BY place),
        ARRAY(
            SELECT quote_ident(attname)
            FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = confrelid AND attnum = number
            ORDER BY place)
    FROM pg_constraint
    WHERE conrelid = %(table)s AND contype = 'f' AND conparentid = 0
    ORDER BY conname COLLATE "C"
"""
_UNIQUE = """
    SELECT ARRAY(
        SELECT quote_ident(attname) FROM pg_attribute
        WHERE attrelid = indrelid AND attnum = ANY (indkey))
    FROM pg_index
    WHERE indrelid = %(table)s AND indisunique
"""


@dataclass(frozen=True, slots=True)
class FillColumn:
    """A column, with its quoted name; the server computes the value if it is `generated`."""

    name: str
    type: str
    not_null: bool
    default: str | None
    generated: bool
    labels: list[str]


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key: its columns and the columns that they refer to."""

    parent: int
    parent_name: str
    columns: list[str]
    referenced: list[str]


@dataclass(frozen=True, slots=True)
class FillTable:
    """A table that made-up rows have to fit."""

    oid: int
    name: str
    columns: dict[str, FillColumn]
    checks: list[tuple[set[str], str]]
    keys: list[ForeignKey]
    unique: list[set[str]]

    def is_required(self, key: ForeignKey) -> bool:
        """Whether the columns of a foreign key can't be NULL."""
        return all(self.columns[name].not_null for name in key.columns)


def read_tables(connection: psycopg.Connection) -> dict[int, FillTable]:
    """The tables of the schemas on the search path, by OID."""
    names: dict[int, str] = dict(connection.execute(_TABLES).fetchall())
    return {oid: _table(connection, oid, names) for oid in names}


def _table(connection: psycopg.Connection, oid: int, names: dict[int, str]) -> FillTable:
    def read(query: str) -> Sequence[Any]:
        return connection.execute(query.encode(), {"table": oid}).fetchall()

    return FillTable(
        oid,
        names[oid],
        columns={row[0]: FillColumn(*row) for row in read(_COLUMNS)},
        checks=[({*columns}, text) for columns, text in read(_CHECKS)],
        keys=[
            ForeignKey(parent, names.get(parent, ""), columns, referenced)
            for parent, columns, referenced in read(_FOREIGN_KEYS)
        ],
        unique=[{*columns} for (columns,) in read(_UNIQUE)],
    )
