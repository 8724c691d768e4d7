"""PostgreSQL's own functions, operators and casts that are taken to give NULL only for a NULL.

Each one is called with all combinations of a handful of values of its types.
"""

from collections.abc import Iterator
from itertools import islice, product

import psycopg
import pytest

from dal.check.schema.builtins import MAY_BE_NULL
from dal.check.schema.routines import Routine, Routines
from dal.check.server.routines import read_routines

# Values that provoke: empty, infinite, absent, the first and the last.
VALUES = {
    "bool": ["true", "false"],
    "int2": ["0", "1", "-1"],
    "int4": ["0", "1", "-1", "64"],
    "int8": ["0", "1", "-1"],
    "oid": ["0", "1", "1259"],
    "numeric": ["0", "1.5", "NaN", "Infinity", "-1"],
    "float4": ["0", "NaN", "Infinity", "-1.5"],
    "float8": ["0", "NaN", "Infinity", "-Infinity", "1.5", "0.5"],
    "text": ["", "a", "day", "{}", "YYYY", "999", "UTC", "$.a", "null", "a,b", "simple", "utf8"],
    "varchar": ["", "a"],
    "bpchar": ["", "a"],
    "char": ["", "a"],
    "name": ["", "pg_class"],
    "bytea": ["", "\\x00", "\\xff61"],
    "date": ["infinity", "-infinity", "2026-01-01", "4713-01-01 BC"],
    "time": ["00:00", "24:00"],
    "timetz": ["00:00+00", "24:00-12"],
    "timestamp": ["infinity", "-infinity", "2026-01-01"],
    "timestamptz": ["infinity", "-infinity", "2026-01-01"],
    "interval": ["0", "1 day", "-1 month", "infinity"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "019a0000-0000-7000-8000-000000000000"],
    "json": ["null", "{}", "[]", '{"a": null}', "[null]", "1"],
    "jsonb": ["null", "{}", "[]", '{"a": null}', "[null]", "1", '"a"'],
    "jsonpath": ["$", "$.a", "lax $[7]"],
    "inet": ["::/0", "127.0.0.1", "10.0.0.0/8"],
    "cidr": ["::/0", "10.0.0.0/8"],
    "macaddr": ["00:00:00:00:00:00"],
    "macaddr8": ["00:00:00:00:00:00:00:00"],
    "money": ["0", "1"],
    "bit": ["", "1"],
    "varbit": ["", "101"],
    "point": ["0,0", "NaN,1", "infinity,0", "1,1"],
    "lseg": ["[(0,0),(0,0)]", "[(0,0),(1,1)]", "[(0,1),(1,2)]"],
    "line": ["{1,1,0}", "{1,1,1}", "{0,1,0}"],
    "box": ["(0,0),(0,0)", "(1,1),(2,2)"],
    "path": ["((0,0),(1,1))", "[(0,0),(1,1)]"],
    "polygon": ["(0,0)", "(0,0),(1,1),(1,0)"],
    "circle": ["<(0,0),0>", "<(9,9),1>"],
    "tsvector": ["", "'a' 'b'"],
    "tsquery": ["", "'a' & 'b'", "!'a'"],
    "xml": ["<a/>", "a"],
    "pg_lsn": ["0/0", "1/1"],
    "regclass": ["pg_class", "0"],
    "regconfig": ["simple"],
    "regtype": ["text"],
    "xid": ["0", "3"],
    "tid": ["(0,1)"],
    "int4range": ["empty", "[,]", "[1,2)", "[5,9)"],
    "int4multirange": ["{}", "{[,]}", "{[1,2)}"],
    "anyarray": ["{}", "{NULL}", "{1,2}", "{{1},{2}}"],
    "text[]": ["{}", "{NULL}", "{a,b}"],
    "int4[]": ["{}", "{NULL}", "{1,2}", "[5:6]={1,2}"],
    "mood": ["good", "bad"],
}
# What any type stands for in one call: all of them alike.
ANY = {
    2276: "text", 2283: "int4", 5077: "int4", 2776: "int4", 5079: "int4", 2277: "int4[]",
    5078: "int4[]", 3831: "int4range", 5080: "int4range", 4537: "int4multirange",
    4538: "int4multirange", 3500: "mood",
}  # fmt: skip
# They wait, end something, or write.
LEFT_OUT = (
    *("pg_", "set_", "lo_", "nextval", "setval", "currval", "query_to", "table_to", "schema_to"),
    *("database_to", "cursor_to", "binary_"),
)
MOST = 400


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute("SET statement_timeout = '5s'")
        connection.execute("CREATE TYPE mood AS ENUM ('good', 'bad')")
        yield connection


@pytest.fixture(scope="module")
def names(connection: psycopg.Connection) -> dict[int, str]:
    rows = connection.execute(
        "SELECT oid, typname::text, typelem FROM pg_type WHERE typtype <> 'c'"
    ).fetchall()
    plain = {oid: name for oid, name, _ in rows}
    return {
        oid: f"{plain[element]}[]" if name.startswith("_") and element in plain else name
        for oid, name, element in rows
    } | ANY


def literals(type_: str, version: int) -> list[str]:
    values = VALUES.get(type_, [])
    if type_ == "interval" and version < 170000:
        values = [value for value in values if value != "infinity"]
    spelled = f'"{type_}"' if type_ == "char" else type_
    return [f"$v${value}$v$::{spelled}" for value in values]


def nulls(connection: psycopg.Connection, calls: list[str]) -> tuple[list[str], int]:
    """Those of the calls that give NULL, and how many give anything."""
    wrong, answered = [], 0
    pending = [calls]
    while pending:
        batch = pending.pop()
        text = " UNION ALL ".join(f"SELECT {n}, ({call}) IS NULL" for n, call in enumerate(batch))
        try:
            rows = connection.execute(text.encode()).fetchall()
        except psycopg.Error:
            if len(batch) > 1:
                half = len(batch) // 2
                pending += [batch[:half], batch[half:]]
            continue
        answered += len(rows)
        wrong += [batch[n] for n, null in rows if null]
    return wrong, answered


def combinations(types: list[str], version: int) -> Iterator[tuple[str, ...]]:
    return islice(product(*(literals(type_, version) for type_ in types)), MOST)


def explored(
    connection: psycopg.Connection, routines: Routines, names: dict[int, str]
) -> Iterator[tuple[str, Routine, list[str]]]:
    """The calls of each function, operator and cast that is taken to be total."""
    version = connection.info.server_version
    for name, meant in sorted(routines._functions.items()):
        for routine in meant:
            if routine.deciding is None or routine.kind != "f" or name.startswith(LEFT_OUT):
                continue
            types = [names.get(type_, "") for type_ in routine.argument_types]
            for count in range(len(types) - routine.defaults, len(types) + 1):
                taken = combinations(types[:count], version)
                yield name, routine, [f'pg_catalog."{name}"({", ".join(call)})' for call in taken]
    for name, meant in sorted(routines._operators.items()):
        for routine in meant:
            if routine.deciding is None:
                continue
            types = [names.get(type_, "") for type_ in routine.argument_types]
            symbol = f"OPERATOR(pg_catalog.{name})"
            yield (
                name,
                routine,
                [
                    f"{call[0]} {symbol} {call[1]}" if len(call) == 2 else f"{symbol} {call[0]}"
                    for call in combinations(types, version)
                ],
            )
    for (_, target), cast in sorted(routines._casts.items()):
        if cast and cast.deciding is not None and names.get(target) in VALUES:
            types = [names.get(type_, "") for type_ in cast.argument_types]
            spelled = '"char"' if names[target] == "char" else names[target]
            casts = [f"({call[0]})::{spelled}" for call in combinations(types, version)]
            yield f"cast to {names[target]}", cast, casts


def test_what_is_taken_to_be_never_null_is_not(
    connection: psycopg.Connection, names: dict[int, str]
) -> None:
    wrong: list[str] = []
    tried = answered = 0
    for _, _, calls in explored(connection, read_routines(connection), names):
        if calls:
            tried += 1
            nullable, count = nulls(connection, calls)
            answered += bool(count)
            wrong += nullable[:3]
    print(f"{tried} functions, operators and casts, of which {answered} answered")
    assert wrong == []
    assert answered > 0.9 * tried > 1_000


def test_what_may_be_null_is_known_to_this_server(connection: psycopg.Connection) -> None:
    """No name stands there in vain, on the newest server."""
    if connection.info.server_version < 180000:
        pytest.skip("it has not yet all of them")
    sources = {
        name
        for (name,) in connection.execute(
            "SELECT CASE prolang WHEN 12 THEN prosrc ELSE proname::text END FROM pg_proc"
        )
    }
    assert MAY_BE_NULL - sources == set()
