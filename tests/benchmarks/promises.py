"""What sqlc and `dal check` promise of columns: that they are never NULL."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from dal.check.analysis import analyse
from dal.check.analysis.syntax import item_names
from dal.check.dialect import parsed
from dal.check.server.tables import read_schema

SCHEMA = """
CREATE TABLE a (id integer PRIMARY KEY, n integer NOT NULL, x integer, s text NOT NULL);
CREATE TABLE b (id integer PRIMARY KEY, a_id integer NOT NULL, z integer NOT NULL);
CREATE VIEW v AS SELECT a.id, b.z FROM a LEFT JOIN b ON b.a_id = a.id;
"""
ROWS = """
INSERT INTO a VALUES (1, 0, NULL, 'one'), (2, 5, 2, 'two');
INSERT INTO b VALUES (1, 1, 7), (2, 9, 8);
"""
# Each runs as it is; every column can be NULL in one of STATES, or in none.
QUERIES: Mapping[str, str] = {
    "left join": "SELECT a.id, b.z FROM a LEFT JOIN b ON b.a_id = a.id",
    "full join": "SELECT a.n, b.z FROM a FULL JOIN b ON b.a_id = a.id",
    "aggregates": "SELECT max(n) AS high, sum(n) AS whole, count(*) AS rows FROM a",
    "in groups": "SELECT x, max(n) AS high, sum(x) AS whole FROM a GROUP BY x",
    "a filter": "SELECT sum(n) FILTER (WHERE n > 9) AS whole, count(*) AS rows FROM a",
    "coalesce": "SELECT coalesce(x, n) AS first, coalesce(x, NULL) AS none FROM a",
    "case": "SELECT CASE WHEN n > 3 THEN n END AS some,"
    " CASE WHEN n > 3 THEN n ELSE 0 END AS each FROM a",
    "nullif": "SELECT nullif(n, 0) AS some, n + 1 AS next, x + 1 AS after FROM a",
    "a subselect": "SELECT a.id, (SELECT b.z FROM b WHERE b.a_id = a.id LIMIT 1) AS z FROM a",
    "a window": "SELECT lag(n) OVER (ORDER BY id) AS before, row_number() OVER () AS place FROM a",
    "a union": "SELECT n FROM a UNION ALL SELECT x FROM a",
    "a view": "SELECT id, z FROM v",
    "with": "WITH t AS (SELECT a.id, b.z FROM a LEFT JOIN b ON b.a_id = a.id)"
    " SELECT id, z, z > 3 AS large FROM t",
    "a condition": "SELECT x, upper(s) AS s FROM a WHERE x IS NOT NULL",
    "json": "SELECT ('{\"k\": 1}'::jsonb ->> s)::text AS value, to_jsonb(n)::text AS json FROM a",
    "an array": "SELECT (ARRAY[n])[2] AS second, ARRAY[n] AS whole FROM a",
}
STATES = ("SELECT 1", "DELETE FROM b", "DELETE FROM a")
_PAGE = """\
## Promises

Of {columns} columns of {queries} everyday queries, {nullable} are NULL in some row, seen on the
server. `NOT NULL` is what sqlc {version} writes into its description of a query; dal's is what
`dal check` takes for proven.

| | promised never NULL, and is NULL | never NULL, and not promised |
|---|--:|--:|
| sqlc | {sqlc_wrong} | {sqlc_shy} |
| dal | {dal_wrong} | {dal_shy} |
"""


@dataclass(frozen=True)
class Promise:
    """A column: whether it was NULL, and what is promised of it."""

    query: str
    column: int
    null: bool
    by_sqlc: bool | None
    by_dal: bool


def measure(url: str, *, with_sqlc: bool = True) -> list[Promise]:
    """The promises of each column, on an empty database."""
    sqlc = by_sqlc() if with_sqlc else {}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((SCHEMA + ROWS).encode())
        schema = read_schema(connection)
        promises = []
        for name, sql in QUERIES.items():
            root = parsed(sql)
            proven = [value for _, value in analyse(root, item_names(root), schema).columns]
            for place, null in enumerate(_nulls(connection, sql)):
                theirs = sqlc[name][place] if sqlc else None
                promises.append(Promise(name, place, null, theirs, proven[place].never_null))
    return promises


def _nulls(connection: psycopg.Connection, sql: str) -> list[bool]:
    """Whether each column was NULL in a row."""
    seen: list[bool] = []
    for state in STATES:
        with connection.transaction(force_rollback=True):
            connection.execute(state.encode())
            cursor = connection.execute(sql.encode())
            seen = seen or [False] * len(cursor.description or ())
            for row in cursor:
                seen = [null or value is None for null, value in zip(seen, row, strict=True)]
    return seen


def by_sqlc() -> dict[str, list[bool]]:
    """What sqlc says of each query's columns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "schema.sql").write_text(SCHEMA)
        (folder / "queries.sql").write_text(
            "".join(f"-- name: Q{n} :many\n{sql};\n" for n, sql in enumerate(QUERIES.values()))
        )
        made = {"engine": "postgresql", "schema": "schema.sql", "queries": "queries.sql"}
        settings = {"version": "2", "sql": [made | {"gen": {"json": {"out": "."}}}]}
        (folder / "sqlc.json").write_text(json.dumps(settings))
        program = Path(sys.executable).with_name("sqlc")
        subprocess.run([program, "generate"], cwd=folder, check=True)
        described = json.loads((folder / "codegen_request.json").read_text())["queries"]
    names = list(QUERIES)
    return {
        names[int(query["name"][1:])]: [column["not_null"] for column in query["columns"]]
        for query in described
    }


def page(promises: list[Promise], version: str) -> str:
    """The section of the page."""

    def count(null: bool, by_sqlc: bool, promised: bool) -> int:
        return sum(
            each.null is null and (each.by_sqlc if by_sqlc else each.by_dal) is promised
            for each in promises
        )

    return _PAGE.format(
        columns=len(promises),
        queries=len(QUERIES),
        nullable=sum(each.null for each in promises),
        version=version,
        sqlc_wrong=count(True, True, True),
        sqlc_shy=count(False, True, False),
        dal_wrong=count(True, False, True),
        dal_shy=count(False, False, False),
    )
