"""The tables and views of a database, read from its catalogue."""

from collections.abc import Iterator

import psycopg
from sqlglot import exp

from dal.check.dialect import NotAnalysedError, parsed
from dal.check.schema import Column, Schema, Table
from dal.check.server.routines import read_routines
from dal.check.tree import bare, callee, conjuncts, folded, inner, qualified

# NOT NULL is enforced if it is valid in the relation and in all that inherit from it; in foreign
# tables it is only declared.
_COLUMNS = """
    WITH RECURSIVE kin (root, relation) AS (
        SELECT pg_class.oid, pg_class.oid
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
          AND nspname NOT IN ('information_schema', 'pg_toast')
          -- Of pg_catalog only what an extension has put there, as Citus does.
          AND (nspname <> 'pg_catalog' OR pg_class.oid >= 16384)
        UNION
        SELECT root, inhrelid FROM kin JOIN pg_inherits ON inhparent = relation
    )
    SELECT
        nspname::text, root.relname::text, root.oid, root.relkind::text, root.relhasrules,
        pg_table_is_visible(root.oid), root.relnamespace = pg_my_temp_schema(),
        col.attname::text, col.atttypid, col.attnotnull,
        bool_and(own.attnotnull AND relation.relkind <> 'f' AND late.oid IS NULL),
        bool_and(relation.relkind <> 'f')
    FROM kin
    JOIN pg_class AS root ON root.oid = kin.root
    JOIN pg_class AS relation ON relation.oid = kin.relation
    JOIN pg_namespace ON pg_namespace.oid = root.relnamespace
    JOIN pg_attribute AS col ON col.attrelid = root.oid AND col.attnum > 0
        AND NOT col.attisdropped
    JOIN pg_attribute AS own ON own.attrelid = relation.oid AND own.attname = col.attname
    LEFT JOIN pg_constraint AS late ON late.conrelid = relation.oid AND late.contype = 'n'
        AND late.conkey[1] = own.attnum AND NOT late.convalidated
    GROUP BY nspname, root.oid, col.attrelid, col.attnum
    ORDER BY root.oid, col.attnum
"""
# The CHECKs that may forbid NULL elements of an array.
_ARRAY_CHECKS = """
    SELECT nspname::text, relname::text, pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE contype = 'c' AND convalidated AND NOT connoinherit
      AND pg_get_constraintdef(pg_constraint.oid) LIKE '%array_position(%'
"""
_VIEWS = """
    SELECT pg_class.oid, pg_get_viewdef(pg_class.oid)
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('v', 'm') AND nspname NOT IN ('pg_catalog', 'information_schema')
"""


def read_schema(connection: psycopg.Connection) -> Schema:
    """The schema: tables, functions and types."""
    visible_tables: dict[str, Table] = {}
    tables: dict[tuple[str, str], Table] = {}
    null_free = set(_null_free_arrays(connection))
    definitions: dict[int, str | None] = dict(connection.execute(_VIEWS).fetchall())
    for row in connection.execute(_COLUMNS).fetchall():
        schema, name, oid, kind, rules, visible, temporary, column_name, *column = row
        table = tables.get((schema, name))
        if table is None:
            full_name = name if visible else qualified(schema, name)
            table = Table(full_name, kind, rules, definition=definitions.get(oid) or "")
            tables[schema, name] = table
            if visible:
                visible_tables[name] = table
            if temporary:
                tables["pg_temp", name] = table
        type_, declared, enforced, local = column
        checked = local and (schema, name, column_name) in null_free
        table.columns[column_name] = Column(type_, declared, enforced, checked)
    return Schema(visible_tables, tables, read_routines(connection))


def _null_free_arrays(connection: psycopg.Connection) -> Iterator[tuple[str, str, str]]:
    """The columns with a CHECK that array_position(column, NULL) IS NULL."""
    for schema, name, definition in connection.execute(_ARRAY_CHECKS).fetchall():
        try:
            root = parsed(f"SELECT {definition.removeprefix('CHECK').strip()}")
        except NotAnalysedError:
            continue
        for part in conjuncts(root.expressions[0]):
            if column := _null_free_column(bare(part)):
                yield schema, name, column


def _null_free_column(test: exp.Expr) -> str | None:
    call = bare(test.this) if isinstance(test, exp.Is) else test
    if (
        not isinstance(test, exp.Is)
        or not isinstance(test.expression, exp.Null)
        or test.args.get("negate")
        or callee(call) not in (("", "array_position"), ("pg_catalog", "array_position"))
    ):
        return None
    array, *values = (call.expression if isinstance(call, exp.Dot) else call).expressions
    is_null = len(values) == 1 and isinstance(inner(values[0]), exp.Null)
    return folded(array.this) if isinstance(array, exp.Column) and is_null else None
