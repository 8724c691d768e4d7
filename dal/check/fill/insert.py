"""The INSERT that fills a table with made-up rows."""

from itertools import chain

import psycopg

from dal.check.fill.choices import chosen, groups
from dal.check.fill.expressions import plain
from dal.check.fill.tables import Key, Table

ROWS = 10_000
"""Of each table: more than the planner needs to take it for a large one."""


def rows(connection: psycopg.Connection, table: Table, filled: set[int]) -> str:
    """The INSERT.

    Parameters:
        connection: with which CHECKs are tried.
        table: the one to fill.
        filled: the tables that have rows, by their oids.
    """
    joins, values = _keys(table, filled)
    values |= _own(connection, table, values)
    columns = [name for name in values if not table.columns[name].made]
    made = ", ".join(f"{values[name]} AS {name}" for name in columns)
    listed = ", ".join(columns)
    # With columns that the server makes a CHECK can't be tried before.
    checks = [f"coalesce(({text}), true)" for names, text in table.checks if names <= {*columns}]
    where = f" WHERE {' AND '.join(checks)}" if checks else ""
    source = f"SELECT {made} FROM generate_series(1, {ROWS}) AS nth {' '.join(joins)}"  # noqa: S608
    if not columns:
        return f"INSERT INTO {table.name} SELECT FROM generate_series(1, {ROWS})"
    return (
        f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM ({source}) AS made{where}"  # noqa: S608
        " ON CONFLICT DO NOTHING"
    )


def _keys(table: Table, filled: set[int]) -> tuple[list[str], dict[str, str]]:
    """The joins with the parents of foreign keys, and the columns' values that come from them."""
    joins: list[str] = []
    values: dict[str, str] = {}
    for place, key in enumerate(sorted(table.keys, key=lambda key: -len(key.columns))):
        pairs = list(zip(key.columns, key.referred, strict=True))
        if key.parent == table.oid and table.must(key):
            continue  # refers to its own row: both get the same value in `_own`
        if key.parent not in filled or key.parent == table.oid:
            values |= {
                name: f"NULL::{table.columns[name].type}"
                for name, _ in pairs
                if not table.columns[name].not_null and name not in values
            }
            continue
        parent = f"parent{place}"
        referred = ", ".join(key.referred)
        shared = [(values[name], other) for name, other in pairs if name in values]
        if shared:
            # Of the rows that agree with the other parent, another one each time.
            by = ", ".join(other for _, other in shared)
            agree = " AND ".join(f"{value} = {parent}.{other}" for value, other in shared)
            joins.append(
                f"JOIN (SELECT {referred},"  # noqa: S608
                f" row_number() OVER (PARTITION BY {by} ORDER BY {referred}) AS nth{place},"
                f" count(*) OVER (PARTITION BY {by}) AS total{place} FROM {key.parent_name})"
                f" AS {parent} ON {agree} AND nth{place} = nth / 7 % total{place} + 1"
            )
        else:
            # The number of parents is a subselect, so that the join has an equality to hash by.
            number = _choice(table, key, place, f"(SELECT count(*) FROM {key.parent_name})")  # noqa: S608
            joins.append(
                f"JOIN (SELECT {referred}, row_number() OVER (ORDER BY {referred}) AS nth{place}"  # noqa: S608
                f" FROM {key.parent_name}) AS {parent} ON nth{place} = {number}"
            )
        values |= {name: f"{parent}.{other}" for name, other in pairs if name not in values}
    return joins, values


def _choice(table: Table, key: Key, place: int, total: str) -> str:
    """The number of a row's parent; the first parent has a tenth of all children."""
    if any(columns <= {*key.columns} for columns in table.unique):
        return "nth"
    several = f"greatest({total} / 5, 1)"
    return f"CASE WHEN nth % 10 = 0 THEN 1 ELSE (nth + {place} * (nth / 97)) % {several} + 1 END"


def _own(connection: psycopg.Connection, table: Table, given: dict[str, str]) -> dict[str, str]:
    """The values of the columns that no foreign key gives, by name."""
    own = {
        name: column
        for name, column in table.columns.items()
        if name not in given and not column.made
    }
    unique = set(chain.from_iterable(table.unique))
    values: dict[str, str] = {}
    for names, checks in groups(table, own):
        columns = [own[name] for name in names]
        values |= chosen(connection, columns, checks, unique)
    for name, column in own.items():
        if name not in values:
            values[name] = plain(column, unique)
    for key in table.keys:
        if key.parent == table.oid and table.must(key):
            for name, other in zip(key.columns, key.referred, strict=True):
                values[name] = {**given, **values}.get(other, values.get(name, "NULL"))
    return values
