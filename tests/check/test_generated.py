"""Random statements: what is declared safe is run, for one of two users, and on rows with NULLs.

DAL_TEST_SEED=1234 python -m pytest tests/check/test_generated.py    # the same statements again
"""

import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import create_model

from dal.check.findings import Finding
from tests.check.proving import NULLS, OWNERS, Draft, kinds, prove, shown
from tests.check.statements import Generator, Query
from tests.check.two_users import ROWS, SCHEMA, VALUES, Witness

TYPES = {"int": int, "text": str, "bool": bool}
BATCH = 100
# What a run is worth is how much of it is declared safe.
LEAST_SAFE, LEAST_NEVER_NULL = 0.25, 0.2
STATES = (
    "SELECT 1",
    "DELETE FROM messages",
    "DELETE FROM tasks; DELETE FROM plans",
    "DELETE FROM conversations; DELETE FROM apart.secrets",
)
UNKNOWN = dict.fromkeys(VALUES) | {"user_id": VALUES["user_id"]}
FURTHER = dict(VALUES) | {"n": "1", "text": "ada", "flag": "true", "ids": "{3}"}


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute((SCHEMA + ROWS).encode())
        connection.execute("SET statement_timeout = '5s'")
        yield connection


def draft(query: Query) -> Draft:
    """A statement whose columns the stub takes no None for."""
    if not query.columns:
        return Draft(query.sql)
    fields: dict[str, Any] = {name: (TYPES[kind], ...) for name, kind in query.columns.items()}
    return Draft(query.sql, list[create_model("Row", **fields)])  # type: ignore[misc]


def judged(connection: psycopg.Connection, queries: list[Query]) -> list[list[Finding] | None]:
    """The findings of each query; None for a query on which the check itself fails."""
    try:
        return [*prove(connection, *map(draft, queries))]
    except Exception:  # noqa: BLE001 - whatever it is, it is a fault
        if len(queries) == 1:
            return [None]
    half = len(queries) // 2
    return judged(connection, queries[:half]) + judged(connection, queries[half:])


def never_null(query: Query, findings: list[Finding]) -> list[int]:
    """The places of the columns that are declared never NULL."""
    messages = [finding.message for finding in findings if finding.rule in NULLS]
    named = {name for message in messages for name in re.findall(r"\bc\d\b", message)}
    if any(not re.search(r"\bc\d\b", message) for message in messages):
        return []
    return [place for place, name in enumerate(query.columns) if name not in named]


def nulls(connection: psycopg.Connection, witness: Witness, query: Query) -> set[int]:
    """The places of the columns that were NULL in a row."""
    seen: set[int] = set()
    for state in STATES:
        for values in (VALUES, FURTHER, UNKNOWN):
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(state.encode())
                    rows = witness.rows(query.sql, values)
            except psycopg.Error:
                continue
            seen |= {place for row in rows for place, value in enumerate(row) if value is None}
    return seen


def explore(connection: psycopg.Connection, folder: Path, count: int) -> None:
    """Make so many statements that PostgreSQL takes, and run what is declared safe."""
    seed = os.environ.get("DAL_TEST_SEED") or str(random.randrange(10**6))
    witness = Witness(connection, folder)
    wrong: list[str] = []
    seen = Counter[str]()
    begin = 0
    while seen["taken"] < count and len(wrong) < 10:
        numbers = range(begin, begin := begin + BATCH)
        queries = [Generator(f"{seed}:{number}").statement() for number in numbers]
        for number, query, findings in zip(
            numbers, queries, judged(connection, queries), strict=True
        ):
            where = f"DAL_TEST_SEED={seed}, statement {number}:\n{query.sql}\n"
            if findings is None:
                wrong.append(f"the check fails at {where}")
            elif "refused" in kinds(findings):
                seen["refused"] += 1
            else:
                seen["taken"] += 1
                if not kinds(findings) & OWNERS:
                    seen["safe"] += 1
                    if witness.leaks(query.sql, exact=query.exact):
                        wrong.append(f"declared the user's own, and is not: {where}")
                elif query.exact and witness.leaks(query.sql):
                    seen["leaks"] += 1
                if proven := never_null(query, findings):
                    seen["never NULL"] += 1
                    if places := sorted(set(proven) & nulls(connection, witness, query)):
                        names = ", ".join(f"c{place}" for place in places)
                        wrong.append(
                            f"declared never NULL, and is ({names}): {where}{shown(findings)}\n"
                        )
    assert not wrong, "\n".join([f"{seen}", *wrong])
    print(f"DAL_TEST_SEED={seed}: {dict(seen)}")
    assert seen["safe"] > LEAST_SAFE * seen["taken"], seen
    assert seen["never NULL"] > LEAST_NEVER_NULL * seen["taken"], seen
    assert seen["leaks"], seen


def test_what_is_declared_safe_is_safe(connection: psycopg.Connection, tmp_path: Path) -> None:
    explore(connection, tmp_path, 300)


@pytest.mark.slow
def test_what_is_declared_safe_is_safe_in_many(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    explore(connection, tmp_path, 10_000)
