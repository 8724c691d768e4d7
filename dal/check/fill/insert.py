"""The INSERT that fills a table with made-up rows."""

from itertools import chain

import psycopg

from dal.check.fill.choices import check_groups, values_for_checks
from dal.check.fill.expressions import plain
from dal.check.fill.tables import FillTable, ForeignKey

ROWS = 10_000
"""Rows per table: enough for the planner to treat it as large."""


def insert_statement(connection: psycopg.Connection, table: FillTable, filled: set[int]) -> str:
    """The INSERT of a table's rows.

    Parameters:
        connection: used to try CHECKs.
        table: the table to fill.
        filled: the OIDs of the tables that have rows.
    """
    joins, values = _keys(table, filled)
    values |= _other_values(connection, table, values)
    columns = [name for name in values if not table.columns[name].generated]
    made = ", ".join(f"{values[name]} AS {name}" for name in columns)
    listed = ", ".join(columns)
    # A CHECK on columns that the server generates can't be evaluated before.
    checks = [f"coalesce(({text}), true)" for names, text in table.checks if names <= {*columns}]
    where = f" WHERE {' AND '.join(checks)}" if checks else ""
    source = f"SELECT {made} FROM generate_series(1, {ROWS}) AS nth {' '.join(joins)}"  # noqa: S608
    if not columns:
        return f"INSERT INTO {table.name} SELECT FROM generate_series(1, {ROWS})"
    return (
        f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM ({source}) AS made{where}"  # noqa: S608
        " ON CONFLICT DO NOTHING"
    )


def _keys(table: FillTable, filled: set[int]) -> tuple[list[str], dict[str, str]]:
    """The joins with the tables that foreign keys refer to, and the values from them by column."""
    joins: list[str] = []
    values: dict[str, str] = {}
    for place, key in enumerate(sorted(table.keys, key=lambda key: -len(key.columns))):
        pairs = list(zip(key.columns, key.referenced, strict=True))
        if key.parent == table.oid and table.is_required(key):
            continue  # refers to its own row: both get the same value in `_other_values`
        if key.parent not in filled or key.parent == table.oid:
            values |= {
                name: f"NULL::{table.columns[name].type}"
                for name, _ in pairs
                if not table.columns[name].not_null and name not in values
            }
            continue
        parent = f"parent{place}"
        referenced = ", ".join(key.referenced)
        shared = [
            (values[name], referenced_column) for name, referenced_column in pairs if name in values
        ]
        if shared:
            # Takes turns with the rows that agree with the other parent.
            by = ", ".join(referenced_column for _, referenced_column in shared)
            agree = " AND ".join(
                f"{value} = {parent}.{referenced_column}" for value, referenced_column in shared
            )
            joins.append(
                f"JOIN (SELECT {referenced},"  # noqa: S608
                f" row_number() OVER (PARTITION BY {by} ORDER BY {referenced}) AS nth{place},"
                f" count(*) OVER (PARTITION BY {by}) AS total{place} FROM {key.parent_name})"
                f" AS {parent} ON {agree} AND nth{place} = nth / 7 % total{place} + 1"
            )
        else:
            # The number of parents is a subselect, so that the join can hash by an equality.
            number = _choice(table, key, place, f"(SELECT count(*) FROM {key.parent_name})")  # noqa: S608
            joins.append(
                f"JOIN (SELECT {referenced},"  # noqa: S608
                f" row_number() OVER (ORDER BY {referenced}) AS nth{place}"
                f" FROM {key.parent_name}) AS {parent} ON nth{place} = {number}"
            )
        values |= {
            name: f"{parent}.{referenced_column}"
            for name, referenced_column in pairs
            if name not in values
        }
    return joins, values


def _choice(table: FillTable, key: ForeignKey, place: int, total: str) -> str:
    """An expression for the number of a row's parent; the first one has a tenth of all children."""
    if any(columns <= {*key.columns} for columns in table.unique):
        return "nth"
    parents = f"greatest({total} / 5, 1)"
    return f"CASE WHEN nth % 10 = 0 THEN 1 ELSE (nth + {place} * (nth / 97)) % {parents} + 1 END"


def _other_values(
    connection: psycopg.Connection, table: FillTable, key_values: dict[str, str]
) -> dict[str, str]:
    """The values of the columns without a foreign key, by name."""
    remaining = {
        name: column
        for name, column in table.columns.items()
        if name not in key_values and not column.generated
    }
    unique = set(chain.from_iterable(table.unique))
    values: dict[str, str] = {}
    for names, checks in check_groups(table, remaining):
        columns = [remaining[name] for name in names]
        values |= values_for_checks(connection, columns, checks, unique)
    for name, column in remaining.items():
        if name not in values:
            values[name] = plain(column, unique)
    for key in table.keys:
        if key.parent == table.oid and table.is_required(key):
            for name, referenced_column in zip(key.columns, key.referenced, strict=True):
                values[name] = {**key_values, **values}.get(
                    referenced_column, values.get(name, "NULL")
                )
    return values
