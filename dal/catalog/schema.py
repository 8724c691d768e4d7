"""Generates a diagram of the schema and a section for each table, from the catalogue."""

from collections import defaultdict
from dataclasses import dataclass, field

import psycopg

from dal.check.project import Project
from dal.check.server.catalog import Catalog

_TABLES = """
    SELECT pg_class.oid, relname::text, comment
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    CROSS JOIN obj_description(pg_class.oid, 'pg_class') AS comment
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relname !~ '^_?yoyo_'
      AND nspname = ANY (current_schemas(false))
    ORDER BY comment COLLATE "C", relname COLLATE "C"
"""
_COLUMNS = """
    SELECT attname::text, format_type(atttypid, atttypmod), attnotnull,
        coalesce(pg_get_expr(adbin, adrelid), ''), coalesce(col_description(attrelid, attnum), '')
    FROM pg_attribute
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""
_CONSTRAINTS = """
    SELECT conname::text, contype::text, pg_get_constraintdef(pg_constraint.oid, true),
        confrelid::regclass::text,
        ARRAY(SELECT attname::text FROM pg_attribute
              WHERE attrelid = conrelid AND attnum = ANY (conkey))
    FROM pg_constraint
    WHERE conrelid = %s AND contype <> 'n'
    ORDER BY contype <> 'p', contype, conname COLLATE "C"
"""
_INDEXES = """
    SELECT relname::text, split_part(pg_get_indexdef(indexrelid), ' USING ', 2)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = %s AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid
                                        AND contype IN ('p', 'u'))
    ORDER BY relname COLLATE "C"
"""
_SHORT_NAMES = {"character varying": "varchar", "timestamp with time zone": "timestamptz"}


@dataclass
class _Table:
    name: str
    purpose: str
    columns: list[tuple[str, str, bool, str, str]]
    constraints: list[tuple[str, str, str, str, list[str]]]
    indexes: list[tuple[str, str]]
    keys: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def schema(connection: psycopg.Connection, catalog: Catalog) -> str:
    """The diagram, and a section for each table of the last project.

    Parameters:
        connection: to a database that is migrated.
        catalog: knows which project a table belongs to.
    """
    project = catalog.projects[-1]
    tables = [
        _Table(
            name,
            _purpose(comment or "", project),
            columns=connection.execute(_COLUMNS, [oid]).fetchall(),
            constraints=connection.execute(_CONSTRAINTS, [oid]).fetchall(),
            indexes=connection.execute(_INDEXES, [oid]).fetchall(),
        )
        for oid, name, comment in connection.execute(_TABLES).fetchall()
        if catalog.project_of_table(comment) is project
    ]
    for table in tables:
        for _, kind, _, _, columns in table.constraints:
            for column in columns:
                if kind in "pf":
                    table.keys[column].append({"p": "PK", "f": "FK"}[kind])
    return "\n".join([_diagram(tables), *map(_section, tables)])


def _purpose(comment: str, project: Project) -> str:
    """A table's comment, without the prefix and the migration's name if the project has one."""
    return comment.partition(": ")[2] if project.comment_prefix else comment


def _diagram(tables: list[_Table]) -> str:
    lines = ["```mermaid", "erDiagram"]
    for table in tables:
        for _, kind, _, parent, columns in table.constraints:
            if kind == "f":
                lines.append(f'    {parent} ||--o{{ {table.name} : "{", ".join(columns)}"')
    for table in tables:
        lines.append(f"    {table.name} {{")
        for column, type_, *_ in table.columns:
            keys = ", ".join(table.keys[column])
            lines.append(f"        {_short(type_)} {column} {keys}".rstrip())
        lines.append("    }")
    return "\n".join([*lines, "```", ""])


def _short(type_: str) -> str:
    return _SHORT_NAMES.get(type_.partition("(")[0], type_).replace(" ", "_")


def _section(table: _Table) -> str:
    lines = [f"### {table.name}", ""]
    if table.purpose:
        lines += [f"{table.purpose[:1].upper()}{table.purpose[1:].removesuffix('.')}.", ""]
    lines += ["| column | type | NULL | default | |", "|---|---|---|---|---|"]
    for column, type_, not_null, default, comment in table.columns:
        cells = (f"`{column}`", type_, "no" if not_null else "yes", default and f"`{default}`")
        lines.append(f"| {' | '.join(cells)} | {comment} |")
    lines += ["", "| key, check or index | |", "|---|---|"]
    lines += [f"| `{name}` | `{text}` |" for name, _, text, *_ in table.constraints]
    lines += [f"| `{name}` | `{text}` |" for name, text in table.indexes]
    return "\n".join([*lines, ""])
