"""Random statements over rows with NULLs: what is declared never NULL is run, and never is.

DAL_TEST_SEED=1234 python -m pytest tests/check/test_generated_nulls.py  # the same ones again
"""

import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.string import TextLoader

from dal.check.analysis import Analysis
from dal.check.dialect import NotAnalysedError
from dal.check.server.tables import read_schema
from tests.check.analysing import analysed
from tests.check.null_statements import Maker
from tests.check.nullable_rows import fill

STATES = ("SELECT 1", "DELETE FROM b", "DELETE FROM a", "DELETE FROM a; DELETE FROM b")
VALUES: tuple[tuple[Any, Any], ...] = ((2, "a"), (None, None))
# What a run is worth is how much of it runs, and how much of that is declared safe.
LEAST_RUN, LEAST_NEVER_NULL, LEAST_SOLID = 0.6, 0.3, 0.2


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        fill(connection)
        connection.execute("SET statement_timeout = '2s'")
        # Infinite times have no value in Python, and a JSON null is none that PostgreSQL has.
        for type_ in ("timestamptz", "date", "interval", "json", "jsonb"):
            connection.adapters.register_loader(type_, TextLoader)
        yield connection


def runs(connection: psycopg.Connection, sql: str) -> Iterator[list[Any]]:
    """The rows of a statement, with and without rows of its tables, with and without values."""
    count = max([0, *map(int, re.findall(r"\$(\d)", sql))])
    for state in STATES:
        for values in VALUES if count else VALUES[:1]:
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(state.encode())
                    with psycopg.RawCursor(connection) as cursor:
                        cursor.execute(sql.encode(), values[:count])
                        rows = cursor.fetchmany(200)
            except psycopg.Error:
                continue
            yield rows


def broken(result: Analysis, rows: list[Any]) -> set[str]:
    """What the analysis declares of a result, and its rows contradict."""
    faults = set()
    if result.never_empty and not rows:
        faults.add("declared to give a row, and gives none")
    for place, (_, value) in enumerate(result.columns):
        values = [row[place] for row in rows]
        if value.never_null and None in values:
            faults.add(f"declared never NULL, and is: {value}")
        if value.null_free and any(isinstance(array, list) and has_null(array) for array in values):
            faults.add(f"declared to have no NULL in it, and has: {value}")
    return faults


def has_null(array: list[Any]) -> bool:
    return any(has_null(item) if isinstance(item, list) else item is None for item in array)


def explore(connection: psycopg.Connection, count: int) -> None:
    """Make so many statements, and run them."""
    seed = os.environ.get("DAL_TEST_SEED") or str(random.randrange(10**6))
    schema = read_schema(connection)
    wrong: list[str] = []
    seen = Counter[str]()
    for number in range(count):
        sql = Maker(f"{seed}:{number}").statement()
        seen["made"] += 1
        try:
            result = analysed(sql, schema)
        except NotAnalysedError:
            seen["not analysed"] += 1
            continue
        ran = False
        for rows in runs(connection, sql):
            ran = True
            where = f"DAL_TEST_SEED={seed}, statement {number}"
            wrong += [f"{where}: {fault}\n{sql}\n" for fault in broken(result, rows)]
        if ran:
            seen["run"] += 1
            seen["columns"] += len(result.columns)
            seen["never NULL"] += sum(value.never_null for _, value in result.columns)
        if len(wrong) >= 10:
            break
    print(f"DAL_TEST_SEED={seed}: {dict(seen)}")
    assert not wrong, "\n".join([f"{seen}", *dict.fromkeys(wrong)])
    assert seen["run"] > LEAST_RUN * seen["made"], seen
    assert seen["never NULL"] > LEAST_NEVER_NULL * seen["columns"], seen


def test_what_is_declared_never_null_never_is(connection: psycopg.Connection) -> None:
    explore(connection, 500)


@pytest.mark.slow
def test_what_is_declared_never_null_never_is_in_many(connection: psycopg.Connection) -> None:
    explore(connection, 10_000)
