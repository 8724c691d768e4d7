"""What is NULL on a server, and must not be declared never NULL: each is run, and NULL is seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import BaseModel

from dal.check.findings import Finding
from tests.check.analysing import columns
from tests.check.nullable_rows import OWN, draft, fill, rows
from tests.check.proving import NULLABILITY, NULLS, Draft, kinds, prove, shown


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        fill(connection)
        if connection.info.server_version >= 180000:
            connection.execute(SCHEMA_18)
        else:
            connection.execute("ALTER TABLE child ALTER x DROP NOT NULL")
            connection.execute("INSERT INTO child VALUES (NULL, 3, '{}')")
        yield connection


# Their last column is NULL, at least in one row.
NULL: dict[str, Any] = {
    # relations
    "another schema's": ("SELECT id AS c0 FROM apart.a", int),
    "another schema's, by a table's name": ("SELECT a.n AS c0 FROM apart.a", int),
    "another schema's, aliased": ("SELECT u.n AS c0 FROM apart.a AS u", int),
    "another schema's, returned": ("UPDATE apart.a SET n = NULL RETURNING n AS c0", int),
    "a temporary table's": ("SELECT id AS c0 FROM hidden", int),
    "a temporary table's, by schema": ("SELECT id AS c0 FROM pg_temp.hidden", int),
    "a column without NOT NULL": ("SELECT x AS c0 FROM apart.alone", int),
    "a materialized view of before": ("SELECT later AS c0 FROM before", int),
    "a view over an outer join": ("SELECT b_id AS c0 FROM outer_v", int),
    "a view over a view": ("SELECT x AS c0 FROM nested", int),
    "a view on the other side": ("SELECT v.n AS c0 FROM b LEFT JOIN v ON v.id = b.id + 2", int),
    "a view that a trigger writes": (
        "INSERT INTO writable (id, n) VALUES (9, 9) RETURNING n AS c0", int),
    "a domain": ("SELECT f AS c0 FROM of_domain", int),
    "a domain on the other side": (
        "SELECT o.w AS c0 FROM b LEFT JOIN of_domain AS o ON o.id = b.id", str),
    "a partition's": ("SELECT kind AS c0 FROM part", int),
    # joins
    "FULL JOIN USING": (
        "SELECT b.n AS c0 FROM (SELECT id + 5 AS id FROM a) AS k FULL JOIN b USING (id)", int),
    "FULL JOIN, its left side": ("SELECT a.n AS c0 FROM a FULL JOIN b ON b.a_id = a.id", int),
    "USING of NULLs": (
        "SELECT x AS c0 FROM a LEFT JOIN (SELECT y AS x FROM b) AS t USING (x)", int),
    "a lateral side": (
        "SELECT t.n AS c0 FROM b LEFT JOIN LATERAL"
        " (SELECT a.n FROM a WHERE a.id = b.a_id) AS t ON true", int),
    "a chain of sides": (
        "SELECT c.n AS c0 FROM b LEFT JOIN a ON a.id = b.a_id LEFT JOIN b AS c ON c.id = a.id"
        " WHERE b.id IS NOT NULL", int),
    "a side found by a side": (
        "SELECT c.n AS c0 FROM a LEFT JOIN (b LEFT JOIN b AS c ON c.id = b.y) ON b.a_id = a.id"
        " WHERE b.id IS NOT NULL", int),
    "whole row": ("SELECT (b IS NULL)::text AS c0, b.n AS c1"
        " FROM a LEFT JOIN b ON b.id = -a.id", str, int),
    "a star of a USING, renamed": (
        "SELECT q.r AS c0 FROM (SELECT *, 1 AS one FROM (SELECT id, x FROM a) AS k"
        " JOIN (SELECT id, y FROM b) AS l USING (id)) AS q (p, r)", int),
    "a star of what is around, renamed": (
        "SELECT q.p AS c0 FROM (SELECT x FROM a) AS k, LATERAL (SELECT k.*, 1 AS one) AS q (p)",
        int),
    "NATURAL of nothing": (
        "SELECT sum(z.k) AS c0 FROM (SELECT FROM (SELECT 1 AS i) AS k"
        " NATURAL JOIN (SELECT 2 AS i) AS l) AS q, (SELECT 1 AS k) AS z", int),
    "a name in an ON, of what is around": (
        "SELECT q.c0 FROM (SELECT 1 AS x) AS a, LATERAL"
        " (SELECT a.x AS c0 FROM a, b JOIN part AS p ON a.x > 0) AS q", int),
    # conditions that prove less than they seem to
    "= ALL of nothing": ("SELECT x AS c0 FROM a WHERE x = ALL ('{}'::int[])", int),
    "NOT IN of nothing": (
        "SELECT x AS c0 FROM a WHERE x NOT IN (SELECT y FROM b WHERE false)", int),
    "NOT = ANY of nothing": ("SELECT x AS c0 FROM a WHERE NOT x = ANY ('{}'::int[])", int),
    "NOT of AND": ("SELECT x AS c0 FROM a WHERE NOT (x > 0 AND n > 2)", int),
    "OR": ("SELECT x AS c0 FROM a WHERE x > 0 OR n > 0", int),
    "IS NOT TRUE": ("SELECT x AS c0 FROM a WHERE (x > 0) IS NOT TRUE", int),
    "IS DISTINCT FROM": ("SELECT x AS c0 FROM a WHERE x IS DISTINCT FROM 7", int),
    "coalesce": ("SELECT x AS c0 FROM a WHERE coalesce(x, 1) = 1", int),
    "rows that differ": ("SELECT x AS c0 FROM a WHERE (n, x) <> (7, 7)", int),
    "rows that are less": ("SELECT x AS c0 FROM a WHERE (n, x) < (7, 7)", int),
    "a row that is not all NULL": ("SELECT a.x AS c0 FROM a WHERE NOT (a.n, a.x) IS NULL", int),
    "concat": ("SELECT t AS c0 FROM a WHERE concat(s, t) <> '-'", str),
    "a condition on the other row": (
        "SELECT b.y AS c0 FROM a LEFT JOIN b ON b.y IS NOT NULL AND b.id = a.id + 9", int),
    "a condition in an ON": ("SELECT a.x AS c0 FROM a LEFT JOIN b ON a.x IS NOT NULL", int),
    "a condition in a subselect": (
        "SELECT x AS c0 FROM a WHERE EXISTS (SELECT FROM b WHERE a.x IS NULL)", int),
    "a condition in a FILTER": (
        "SELECT max(x) FILTER (WHERE x IS NOT NULL AND n > 7) AS c0 FROM a GROUP BY id", int),
    # grouping
    "GROUPING SETS": ("SELECT n AS c0 FROM a GROUP BY GROUPING SETS ((n), ())", int),
    "ROLLUP": ("SELECT n AS c0 FROM a GROUP BY ROLLUP (n)", int),
    "sum of a GROUPING SET": ("SELECT sum(n) AS c0 FROM a WHERE n > 99 GROUP BY ()", int),
    "sum of NULLs": ("SELECT sum(x) AS c0 FROM a WHERE x IS NULL GROUP BY n", int),
    "FILTER": ("SELECT sum(n) FILTER (WHERE n > 7) AS c0 FROM a GROUP BY id", int),
    "stddev of one": ("SELECT stddev(n) AS c0 FROM a GROUP BY id", float),
    "corr of one": ("SELECT corr(n, n) AS c0 FROM a GROUP BY id", float),
    "percentile of NULLs": (
        "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY x) AS c0 FROM a GROUP BY id", int),
    "a percentile that is NULL": (
        "SELECT percentile_disc(NULL) WITHIN GROUP (ORDER BY n) AS c0 FROM a GROUP BY id", int),
    "jsonb_object_agg over none": (
        "SELECT jsonb_object_agg(s, n)::text AS c0 FROM a WHERE n > 9", str),
    # windows
    "lag": ("SELECT lag(n) OVER (ORDER BY id) AS c0 FROM a", int),
    "lag by two": ("SELECT lag(n, 2) OVER (ORDER BY id) AS c0 FROM a", int),
    "lag with NULL": ("SELECT lag(n, 1, x) OVER (ORDER BY id) AS c0 FROM a", int),
    "lag by NULL": ("SELECT lag(n, NULL, 0) OVER (ORDER BY id) AS c0 FROM a", int),
    "nth_value": ("SELECT nth_value(n, 2) OVER (ORDER BY id) AS c0 FROM a", int),
    "first_value of a frame": (
        "SELECT first_value(n) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) AS c0"
        " FROM a", int),
    "sum of a frame before": (
        "SELECT sum(n) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS c0 FROM a",
        int),
    "sum of a frame without its row": (
        "SELECT sum(n) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND CURRENT ROW"
        " EXCLUDE CURRENT ROW) AS c0 FROM a", int),
    "sum of a named frame": (
        "SELECT sum(n) OVER w AS c0 FROM a"
        " WINDOW w AS (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING)", int),
    "sum of a named frame, extended": (
        "SELECT sum(n) OVER (w ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING) AS c0 FROM a"
        " WINDOW w AS (ORDER BY id)", int),
    "a filtered window": (
        "SELECT sum(n) FILTER (WHERE n > 7) OVER (ORDER BY id) AS c0 FROM a", int),
    "ntile of NULL": ("SELECT ntile(x) OVER (ORDER BY id) AS c0 FROM a WHERE id = 1", int),
    # functions
    "VARIADIC": ("SELECT jsonb_build_object(VARIADIC NULL::text[])::text AS c0", str),
    "VARIADIC of an array": ("SELECT jsonb_build_array(VARIADIC NULL::text[])::text AS c0", str),
    "concat VARIADIC": ("SELECT concat(VARIADIC NULL::text[]) AS c0", str),
    "concat_ws VARIADIC": ("SELECT concat_ws(',', VARIADIC NULL::text[]) AS c0", str),
    "concat_ws of NULL": ("SELECT concat_ws(t, s, s) AS c0 FROM a", str),
    "format of NULL": ("SELECT format(t, s) AS c0 FROM a", str),
    "num_nulls VARIADIC": ("SELECT num_nulls(VARIADIC NULL::int[]) AS c0", int),
    "coalesce of NULLs": ("SELECT coalesce(x, NULL) AS c0 FROM a", int),
    "nullif": ("SELECT nullif(n, 1) AS c0 FROM a", int),
    "CASE without ELSE": ("SELECT CASE WHEN n < 9 AND n > 9 THEN 1 END AS c0 FROM a", int),
    "CASE of what is NULL": ("SELECT CASE x WHEN 2 THEN 1 WHEN 3 THEN 0 END AS c0 FROM a", int),
    "to_char of infinity": ("SELECT to_char(at, 'YYYY') AS c0 FROM a", str),
    "extract of infinity": ("SELECT extract(day FROM at)::int AS c0 FROM a", int),
    "date_part of infinity": ("SELECT date_part('day', day) AS c0 FROM a", float),
    "a time of infinity": ("SELECT at::time::text AS c0 FROM a", str),
    "lower of an empty range": ("SELECT lower(span) AS c0 FROM a", int),
    "upper of an open range": ("SELECT upper(span) AS c0 FROM a", int),
    "an absent key": ("SELECT doc ->> 'none' AS c0 FROM a", str),
    "a key with null": ("SELECT doc ->> 'k' AS c0 FROM a WHERE id = 1", str),
    "an absent path": ("SELECT doc #>> '{none}' AS c0 FROM a", str),
    "an absent path, as JSON": ("SELECT (doc #> '{none}')::text AS c0 FROM a", str),
    "an absent index": ("SELECT (doc -> 7)::text AS c0 FROM a", str),
    "jsonb_extract_path": ("SELECT jsonb_extract_path_text(doc, 'none') AS c0 FROM a", str),
    "a JSON subscript": ("SELECT (doc['none'])::text AS c0 FROM a WHERE id = 1", str),
    "an array's subscript": ("SELECT words[7] AS c0 FROM a", str),
    "an array's slice of a NULL": ("SELECT words[x:2] AS c0 FROM a", list[str | None]),
    "an element": ("SELECT tags[1] AS c0 FROM a", str),
    "array_length": ("SELECT array_length(tags, 1) AS c0 FROM a", int),
    "array_position": ("SELECT array_position(words, 'z') AS c0 FROM a", int),
    "a pattern that is not found": ("SELECT substring(s FROM 'z+') AS c0 FROM a", str),
    "a pattern that is not found, called": ("SELECT substring(s, 'z+') AS c0 FROM a", str),
    "regexp_match": ("SELECT regexp_match(s, 'z') AS c0 FROM a", list[str | None]),
    "to_number of nothing": ("SELECT to_number('', '') AS c0", float),
    "the scale of NaN": ("SELECT scale(price) AS c0 FROM a", int),
    "current_setting": ("SELECT current_setting('no.such', true) AS c0", str),
    "to_regclass": ("SELECT to_regclass('nothing')::text AS c0", str),
    "obj_description": ("SELECT obj_description(1::oid, 'pg_class') AS c0", str),
    "= ANY with a NULL": ("SELECT n = ANY (ARRAY[7, NULL]) AS c0 FROM a", bool),
    "= ANY of a column": ("SELECT s = ANY (tags) AS c0 FROM a", bool),
    "IN with a NULL": ("SELECT n IN (7, x) AS c0 FROM a", bool),
    "IN of NULLs": ("SELECT n IN (SELECT y FROM b) AS c0 FROM a", bool),
    "a row with a NULL": ("SELECT (n, x) = (1, 1) AS c0 FROM a", bool),
    "a ROW with a NULL": ("SELECT ROW (n, x) = ROW (1, 1) AS c0 FROM a", bool),
    "a row in brackets": ("SELECT (n, x) = ((1, 1)) AS c0 FROM a", bool),
    "a row in a list": ("SELECT (n, n) IN ((1, x), (7, 7)) AS c0 FROM a", bool),
    "BETWEEN of rows": ("SELECT (n, x) BETWEEN (1, 1) AND (2, 2) AS c0 FROM a", bool),
    "a row and a subselect": ("SELECT (n, x) = (SELECT 1, 1) AS c0 FROM a", bool),
    "a row and ANY": ("SELECT (n, x) = ANY (SELECT 1, 1) AS c0 FROM a", bool),
    "a literal that is a text": (
        "SELECT substring(q.s, q.p) AS c0 FROM (SELECT 'a' AS s, 'b' AS p) AS q", str),
    "AND": ("SELECT n > 0 AND x > 0 AS c0 FROM a", bool),
    "OVERLAPS": ("SELECT (day, day) OVERLAPS (day, NULL::date) AS c0 FROM a", bool),
    "closed paths": (
        "SELECT (path '((0,0),(1,1))' + path '((0,0),(1,1))')::text AS c0", str),
    "a named argument": ("SELECT make_interval(days => x)::text AS c0 FROM a", str),
    "a set that is shorter": (
        "SELECT generate_series(1, 3) AS c0, generate_series(1, n) AS c1 FROM a", int, int),
    "unnest of several": (
        "SELECT u.i AS c0, u.j AS c1 FROM unnest(ARRAY[1, 2], ARRAY[1]) AS u (i, j)", int, int),
    "unnest of NULLs": ("SELECT u.i AS c0 FROM unnest(ARRAY[1, NULL]) AS u (i)", int),
    "jsonb_each_text": ("SELECT e.value AS c0 FROM jsonb_each_text('{\"a\": null}') AS e", str),
    "elements as text": (
        "SELECT e.value AS c0 FROM jsonb_array_elements_text('[null]') AS e", str),
    "a function's side": (
        "SELECT g.i AS c0 FROM a LEFT JOIN generate_series(5, 6) AS g (i) ON g.i = a.n", int),
    # subselects, CTEs and set operations
    "a subselect without rows": ("SELECT (SELECT n FROM a WHERE n > 99) AS c0", int),
    "a subselect of a set": ("SELECT (SELECT generate_series(1, 0)) AS c0", int),
    "a recursion's second arm": (
        "WITH RECURSIVE r (k) AS (SELECT 1 UNION ALL SELECT nullif(k + 1, 3) FROM r WHERE k < 5)"
        " SELECT k AS c0 FROM r", int),
    "a recursion's column that moves": (
        "WITH RECURSIVE r (i, p, q, z) AS (SELECT 1, 1, 1, NULL::int UNION ALL"
        " SELECT i + 1, q, z, z FROM r WHERE i < 5) SELECT p AS c0 FROM r", int),
    "a recursion's other side": (
        "WITH RECURSIVE r (i, k) AS (SELECT 1, 1 UNION ALL"
        " SELECT i + 1, b.n FROM r LEFT JOIN b ON b.id = r.i + 2 WHERE i < 5)"
        " SELECT k AS c0 FROM r", int),
    "a UNION": ("SELECT n AS c0 FROM a UNION SELECT y FROM b", int),
    "a CTE that hides a table": ("WITH a (n) AS (SELECT y FROM b) SELECT n AS c0 FROM a", int),
    "a table that a CTE does not hide": (
        "WITH alone (x) AS (SELECT 1) SELECT x AS c0 FROM apart.alone", int),
    "VALUES": ("SELECT t.p AS c0 FROM (VALUES (1), (NULL)) AS t (p)", int),
    # RETURNING
    "RETURNING of a side": (
        "UPDATE a SET n = a.n FROM a AS k LEFT JOIN b ON b.id = -k.id"
        " WHERE a.id = k.id RETURNING b.n AS c0", int),
    "RETURNING what was written": ("UPDATE a SET x = NULL WHERE x = 2 RETURNING x AS c0", int),
    "RETURNING what a subselect gives": (
        "UPDATE a SET x = (SELECT y FROM b WHERE b.id = -1) WHERE x = 2 RETURNING x AS c0", int),
    "LIMIT 00": ("SELECT (SELECT 1 LIMIT 00) AS c0", int),
    "LIMIT 0.4": ("SELECT (SELECT 1 LIMIT 0.4) AS c0", int),
    "LIMIT of a text": ("SELECT (SELECT 1 LIMIT '00') AS c0", int),
    "an outer query's aggregate": (
        "SELECT (SELECT count((SELECT count(n) FROM b AS b2 WHERE b2.id = a.id)) FROM b"
        " WHERE false) AS c0 FROM a", int),
    # casts
    "a cast of NULL": ("SELECT NULL::int AS c0", int),
}  # fmt: skip
SINCE_18: dict[str, Any] = {
    "NOT NULL that is not valid": ("SELECT x AS c0 FROM later", int),
    "NOT NULL that is not inherited": ("SELECT y AS c0 FROM parent_18", int),
    "RETURNING old": (
        "INSERT INTO b (id, a_id, n) VALUES (9, 9, 9) RETURNING old.n AS c0", int),
    "a JSON null as number": ("SELECT doc::int AS c0 FROM a WHERE id = 3", int),
    "a JSON null as boolean": ("SELECT doc::boolean AS c0 FROM a WHERE id = 3", bool),
    "a JSON null by a subscript": (
        "SELECT (doc -> 'k')::numeric AS c0 FROM a WHERE id = 1", float),
    "OLD of a table with an alias": (
        "INSERT INTO b AS new_b (id, a_id, n) VALUES (9, 9, 9) RETURNING old.n AS c0", int),
}  # fmt: skip
SCHEMA_18 = """
    CREATE TABLE later (x int);
    INSERT INTO later VALUES (NULL);
    ALTER TABLE later ADD CONSTRAINT x_given NOT NULL x NOT VALID;
    CREATE TABLE parent_18 (x int, y int, CONSTRAINT y_given NOT NULL y NO INHERIT);
    CREATE TABLE child_18 () INHERITS (parent_18);
    INSERT INTO child_18 VALUES (1, NULL);
"""


# `foreign_tables` says whether the server can read a file as a table.
FOREIGN: dict[str, Any] = {
    "a foreign table's": ("SELECT x AS c0 FROM afar", int),
    "a parent's of a foreign table": ("SELECT x AS c0 FROM near", int),
}
HIDDEN: dict[str, Any] = {
    "an overload": ("SELECT upper(id) AS c0 FROM a", str),
    "a function that is strict": ("SELECT halved(id) AS c0 FROM a", int),
    "an operator": ("SELECT <<| id AS c0 FROM a", int),
    "an operator with another's name": ("SELECT s @> n AS c0 FROM a", int),
    "a cast": ("SELECT span::int AS c0 FROM a", int),
}


class Words(BaseModel):
    c0: list[str]


class Gaps(BaseModel):
    c0: list[str | None]


@pytest.fixture(scope="module")
def findings(connection: psycopg.Connection) -> dict[str, list[Finding]]:
    """The findings of every statement of this module, by its name."""
    cases = NULL | (SINCE_18 if connection.info.server_version >= 180000 else {})
    drafts = {name: draft(*case) for name, case in cases.items()}
    drafts |= {f"{name}: no number": Draft(sql, int) for name, sql in NO_VALUE.items()}
    drafts |= {f"{name}: a number": Draft(sql, int) for name, sql in VALUE.items()}
    for name, sql in ELEMENTS.items():
        takes = {"words": list[str]} if ":words" in sql else {}
        drafts[f"{name}: a list"] = Draft(sql, list[Words], takes)
        drafts[f"{name}: a list with gaps"] = Draft(sql, list[Gaps], takes)
    drafts |= {f"{name}: a solid list": Draft(sql, list[Words]) for name, sql in SOLID.items()}
    return dict(zip(drafts, prove(connection, *drafts.values()), strict=True))


def is_null(connection: psycopg.Connection, folder: Path, sql: str) -> bool:
    return None in [row[-1] for row in rows(connection, folder, sql)]


@pytest.mark.parametrize("case", [*NULL, *SINCE_18])
def test_null_is_seen(
    connection: psycopg.Connection,
    tmp_path: Path,
    findings: dict[str, list[Finding]],
    case: str,
) -> None:
    if case not in findings:
        pytest.skip("PostgreSQL 18 has it")
    assert is_null(connection, tmp_path, (NULL | SINCE_18)[case][0])
    assert kinds(findings[case]) & NULLS, shown(findings[case])


def test_a_child_without_its_parents_not_null(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    if connection.info.server_version >= 180000:
        pytest.skip("PostgreSQL 18 refuses it")
    seen(connection, tmp_path, "SELECT x AS c0 FROM parent", int)


def seen(connection: psycopg.Connection, folder: Path, sql: str, *types: type) -> None:
    assert is_null(connection, folder, sql)
    [findings] = prove(connection, draft(sql, *types))
    assert kinds(findings) & NULLS, shown(findings)


@pytest.mark.parametrize("case", HIDDEN)
def test_what_hides_postgresqls_own(empty_database: str, tmp_path: Path, case: str) -> None:
    sql, *types = HIDDEN[case]
    with psycopg.connect(empty_database, autocommit=True) as connection:
        fill(connection)
        connection.execute(OWN)
        seen(connection, tmp_path, sql, *types)


@pytest.mark.parametrize("case", FOREIGN)
def test_a_foreign_table_only_declares(empty_database: str, tmp_path: Path, case: str) -> None:
    sql, *types = FOREIGN[case]
    file = tmp_path / "rows.csv"
    file.write_text("\n")
    with psycopg.connect(empty_database, autocommit=True) as connection:
        readable = connection.execute(
            "SELECT FROM pg_available_extensions WHERE name = 'file_fdw'"
        ).fetchone()
        kind = "EXTENSION" if readable else "FOREIGN DATA WRAPPER"
        connection.execute(
            f"""
            CREATE TABLE near (x int NOT NULL);
            CREATE {kind} file_fdw;
            CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
            CREATE FOREIGN TABLE afar (x int NOT NULL) INHERITS (near)
                SERVER files OPTIONS (filename '{file}', format 'csv');
            """.encode()
        )
        if readable:
            seen(connection, tmp_path, sql, *types)
        else:  # it can't be planned, but be read
            [(_, value)] = columns(sql, connection)
            assert not value.never_null


def test_a_search_path_that_puts_another_schema_first(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    connection.execute("SET search_path = apart, public")
    try:
        seen(connection, tmp_path, "SELECT n AS c0 FROM a", int)
        [findings] = prove(connection, draft("SELECT n AS c0 FROM public.a", int))
        assert not kinds(findings) & NULLABILITY, shown(findings)
    finally:
        connection.execute("RESET search_path")


# What a function does whose stub returns int or bool: it raises.
NO_VALUE = {
    "max over no rows": "SELECT max(id) FROM a WHERE id > :id",
    "sum of NULLs": "SELECT sum(x)::bigint FROM a WHERE x IS NULL",
    "a column that is NULL": "SELECT x FROM a ORDER BY id LIMIT 1",
    "no row": "SELECT id FROM a WHERE id = :id",
    "HAVING": "SELECT count(*) FROM a HAVING count(*) > 100",
    "LIMIT": "SELECT count(*) FROM a LIMIT 0",
    "OFFSET": "SELECT count(*) FROM a OFFSET 1",
    "a group": "SELECT count(*) FROM a WHERE id > 100 GROUP BY n",
    "a CTE": "WITH c AS (SELECT id FROM a WHERE id > 100) SELECT count(*) FROM c GROUP BY id",
    "a set": "SELECT generate_series(1, 0)",
    "a group of a set": "SELECT count(*) FROM (VALUES (1)) AS t (i) GROUP BY generate_series(1, 0)",
    "an aggregate and a set": "SELECT count(*) FROM a ORDER BY generate_series(1, 0)",
    "a function's rows": "SELECT g.i FROM generate_series(1, 0) AS g (i)",
    "an EXCEPT": "SELECT 1 EXCEPT SELECT 1",
    "a written row": "WITH w AS (UPDATE a SET n = 1 WHERE id > 100 RETURNING id) SELECT id FROM w",
}
VALUE = {
    "count": "SELECT count(*) FROM a WHERE id = :id",
    "coalesce": "SELECT coalesce(max(id), 0) FROM a WHERE id = :id",
    "EXISTS": "SELECT EXISTS (SELECT FROM a WHERE id = :id)",
    "a comparison": "SELECT count(*) > 3 FROM a",
    "a CTE": "WITH gone AS (DELETE FROM b WHERE id = :id RETURNING id) SELECT count(*) FROM gone",
    "a sum over VALUES": "SELECT sum(t.n) FROM (VALUES (1), (2)) AS t (n)",
}


@pytest.mark.parametrize("case", NO_VALUE)
def test_a_number_that_does_not_come(
    connection: psycopg.Connection,
    tmp_path: Path,
    findings: dict[str, list[Finding]],
    case: str,
) -> None:
    assert rows(connection, tmp_path, NO_VALUE[case], id="99") in ([], [(None,)])
    raised = findings[f"{case}: no number"]
    assert kinds(raised) & NULLABILITY, shown(raised)
    assert "raises" in shown(raised)


@pytest.mark.parametrize("case", VALUE)
def test_a_number_that_comes(findings: dict[str, list[Finding]], case: str) -> None:
    numbered = findings[f"{case}: a number"]
    assert not kinds(numbered) & NULLABILITY, shown(numbered)


def test_a_number_may_be_vouched_for(connection: psycopg.Connection) -> None:
    sql = "SELECT count(*) FROM a HAVING count(*) > 0"
    [findings] = prove(
        connection, Draft(sql, int, waivers="-- Waives nullable on count: there are rows.")
    )
    assert not kinds(findings) & NULLABILITY, shown(findings)


ELEMENTS = {
    "a column": "SELECT tags AS c0 FROM a",
    "array_agg": "SELECT array_agg(t) AS c0 FROM a GROUP BY flag",
    "array_agg of a side": (
        "SELECT array_agg(b.n::text) AS c0 FROM a LEFT JOIN b ON b.a_id = a.id GROUP BY a.n"),
    "ARRAY": "SELECT ARRAY[s, t] AS c0 FROM a",
    "ARRAY of rows": "SELECT ARRAY(SELECT t FROM a) AS c0",
    "a literal": "SELECT '{a,NULL}'::text[] AS c0",
    "a parameter": "SELECT coalesce(:words::text[], '{}') AS c0",
    "a window": "SELECT array_agg(t) OVER () AS c0 FROM a",
    "a FILTER of others": (
        "SELECT array_agg(t) FILTER (WHERE n IS NOT NULL) AS c0 FROM a GROUP BY flag"),
    "appended": "SELECT words || t AS c0 FROM a",
    "prepended": "SELECT array_prepend(t, words) AS c0 FROM a",
    "joined": "SELECT words || tags AS c0 FROM a",
    "coalesce": "SELECT coalesce(nullif(words, '{a}'), tags) AS c0 FROM a",
    "split with a mark of NULL": "SELECT string_to_array('a,b', ',', 'b') AS c0",
    "a regexp": "SELECT regexp_match(s, 's|(x)') AS c0 FROM a WHERE id = 1",
    "a slice": "SELECT tags[1:2] AS c0 FROM a",
    "set to NULL": "SELECT array_replace(words, 'a', NULL) AS c0 FROM a",
    "one of NULLs filled": "SELECT array_fill(NULL::text, ARRAY[2]) AS c0",
    "nested": "SELECT ARRAY[ARRAY['a', NULL]] AS c0",
    "removed what may be NULL": """
        SELECT array_remove(ARRAY[v.t, NULL], v.t) AS c0
        FROM (SELECT lower('a') AS t UNION ALL SELECT lower(NULL)) AS v""",
    "CASE": "SELECT CASE WHEN flag THEN tags ELSE words END AS c0 FROM a",
    "a UNION": "SELECT words AS c0 FROM a UNION SELECT tags FROM a",
    "a cast": "SELECT tags::varchar[]::text[] AS c0 FROM a",
}  # fmt: skip
SOLID = {
    "a column with a CHECK": "SELECT words AS c0 FROM a",
    "array_agg": "SELECT array_agg(s ORDER BY id) AS c0 FROM a GROUP BY flag",
    "FILTER": (
        "SELECT coalesce(array_agg(t) FILTER (WHERE t IS NOT NULL), '{}') AS c0 FROM a"),
    "ARRAY": "SELECT ARRAY[s, 'a'] AS c0 FROM a",
    "ARRAY of rows": "SELECT ARRAY(SELECT s FROM a ORDER BY id) AS c0",
    "ARRAY of found rows": "SELECT ARRAY(SELECT t FROM a WHERE t <> '') AS c0",
    "array_remove": "SELECT array_remove(tags, NULL) AS c0 FROM a",
    "array_remove of a typed NULL": "SELECT array_remove(tags, NULL::text) AS c0 FROM a",
    "a literal": "SELECT '{a,b}'::text[] AS c0",
    "split": "SELECT string_to_array(s, ',') AS c0 FROM a",
    "joined": "SELECT words || ARRAY[s] AS c0 FROM a",
    "appended": "SELECT words || s AS c0 FROM a",
    "a subselect": "SELECT t.w AS c0 FROM (SELECT words AS w FROM a) AS t",
    "a cast": "SELECT array_agg(n)::text[] AS c0 FROM a GROUP BY flag",
    "a slice": "SELECT words[1:2] AS c0 FROM a",
}  # fmt: skip


@pytest.mark.parametrize("case", ELEMENTS)
def test_elements_that_are_null(
    connection: psycopg.Connection,
    tmp_path: Path,
    findings: dict[str, list[Finding]],
    case: str,
) -> None:
    found_rows = rows(connection, tmp_path, ELEMENTS[case], words="{a,NULL}")
    assert any("None" in repr(row[0]) for row in found_rows)
    strict, lax = findings[f"{case}: a list"], findings[f"{case}: a list with gaps"]
    assert kinds(strict) & NULLABILITY, shown(strict)
    assert "element" not in shown(lax), shown(lax)


@pytest.mark.parametrize("case", SOLID)
def test_elements_that_are_never_null(
    connection: psycopg.Connection,
    tmp_path: Path,
    findings: dict[str, list[Finding]],
    case: str,
) -> None:
    assert "None" not in repr(rows(connection, tmp_path, SOLID[case]))
    solid = findings[f"{case}: a solid list"]
    assert not kinds(solid) & NULLABILITY, shown(solid)


class Item(BaseModel):
    id: int
    n: int


class Parent(BaseModel):
    id: int
    items: list[Item]


ITEMS = {
    "of a side within": (
        'SELECT a.id, q.id AS "items.id", q.n AS "items.n" FROM a LEFT JOIN'
        " (SELECT k.id, b.n FROM a AS k LEFT JOIN b ON b.id = -k.id) AS q ON q.id = a.id"),
    "of a view's side": (
        'SELECT a.id, q.id AS "items.id", q.b_id AS "items.n"'
        " FROM a LEFT JOIN outer_v AS q ON q.id = a.id"),
    "of two sides": (
        'SELECT a.id, b.id AS "items.id", c.n AS "items.n" FROM a LEFT JOIN b ON b.id = a.id'
        " LEFT JOIN b AS c ON c.id = -a.id"),
    "of two rows of a CTE": (
        "WITH q AS (SELECT a.id, b.id AS b_id, b.n FROM a LEFT JOIN b ON b.id = a.id + 1)"
        ' SELECT x.id, x.b_id AS "items.id", y.n AS "items.n" FROM q AS x JOIN q AS y'
        " ON y.id = x.id + 1"),
    "of a recursion": (
        "WITH RECURSIVE r AS (SELECT a.id, b.id AS b_id, b.n FROM a LEFT JOIN b ON b.id = a.id"
        " UNION ALL SELECT id + 100, b_id, NULL FROM r WHERE id < 100)"
        ' SELECT id, b_id AS "items.id", n AS "items.n" FROM r'),
    "with what is always there": (
        'SELECT a.id, a.n AS "items.id", b.n AS "items.n" FROM a LEFT JOIN b ON b.id = -a.id'),
}  # fmt: skip
WHOLE_ITEMS = {
    "of a side": (
        'SELECT a.id, b.id AS "items.id", b.n AS "items.n" FROM a LEFT JOIN b ON b.id = a.id'),
    "of a side, cast": (
        'SELECT a.id, b.id::bigint AS "items.id", b.n::bigint AS "items.n"'
        " FROM a LEFT JOIN b ON b.id = a.id"),
    "of a subselect": (
        'SELECT a.id, q.id AS "items.id", q.n AS "items.n"'
        " FROM a LEFT JOIN (SELECT id, n FROM b) AS q ON q.id = a.id"),
}  # fmt: skip


@pytest.mark.parametrize("case", ITEMS)
def test_an_item_with_a_null(connection: psycopg.Connection, tmp_path: Path, case: str) -> None:
    found_rows = rows(connection, tmp_path, ITEMS[case])
    assert any(row[1] is not None and row[2] is None for row in found_rows)
    [findings] = prove(connection, Draft(ITEMS[case], Parent))
    assert kinds(findings) & NULLABILITY, shown(findings)


@pytest.mark.parametrize("case", WHOLE_ITEMS)
def test_an_item_that_is_whole(connection: psycopg.Connection, tmp_path: Path, case: str) -> None:
    found_rows = rows(connection, tmp_path, WHOLE_ITEMS[case])
    assert not any((row[1] is None) != (row[2] is None) for row in found_rows)
    [findings] = prove(connection, Draft(WHOLE_ITEMS[case], Parent))
    assert not kinds(findings) & NULLABILITY, shown(findings)


def test_an_overload_of_what_gives_pairs(empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        fill(connection)
        connection.execute(
            "CREATE FUNCTION jsonb_each(int) RETURNS SETOF int LANGUAGE sql AS 'SELECT 1'"
        )
        sql = "SELECT e::text AS c0 FROM jsonb_each(1) AS e"
        [findings] = prove(connection, draft(sql, str))
    assert "fails on it" not in shown(findings)


def test_elements_may_be_vouched_for(connection: psycopg.Connection) -> None:
    head = "-- Waives nullable on c0: whoever writes them takes care."
    [findings] = prove(connection, Draft(ELEMENTS["a column"], list[Words], waivers=head))
    assert not kinds(findings) & NULLABILITY, shown(findings)
