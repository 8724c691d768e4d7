"""Everyday SQL that is never NULL, and must not be called unknown."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dal.check.findings import Finding
from tests.check.nullable_rows import draft, fill, rows
from tests.check.proving import NULLABILITY, kinds, prove, shown

# Expressions over `a`, by the type of a field.
EXPRESSIONS = {
    str: """
        upper(s); lower(s); upper(name); initcap(s); substring(s FROM 1 FOR 2); substring(s, 2)
        substr(s, 1, 2); trim(s); trim(both ' ' FROM s); ltrim(s); btrim(s, 'x'); left(s, 2)
        right(s, 2); lpad(s, 3, ' '); repeat(s, 2); reverse(s); replace(s, 'a', 'b'); md5(s)
        split_part(s, ',', 1); translate(s, 'a', 'b'); concat(s, t); concat(s, ' ', n)
        concat_ws(', ', s, t); format('%s and %s', s, t); to_char(n, '999'); to_char(price, '9.99')
        regexp_replace(s, 'a', 'b'); overlay(s PLACING 'a' FROM 1 FOR 1); quote_ident(s)
        quote_literal(s); quote_nullable(t); s || 'a' || s; s || n; name || s
        encode(convert_to(s, 'UTF8'), 'hex'); (s); s COLLATE "C"; s::varchar(3); n::text; at::text
        doc::text; coalesce(t, s); coalesce(t, ''); CASE WHEN x > 1 THEN s ELSE 'none' END
        array_to_string(words, ','); span::text
        date_trunc('day', at)::text; jsonb_typeof(doc); to_json(n)::text; to_jsonb(s)::text
        jsonb_build_object('a', x)::text; jsonb_build_array(x)::text
        json_build_object('a', n)::text; jsonb_set(doc, '{a}', '1')::text
        jsonb_strip_nulls(doc)::text; (doc || '{}'::jsonb)::text; (doc - 'a')::text
        pg_typeof(x)::text; current_user; current_database(); version()
        chr(65); to_hex(n); sha256(convert_to(s, 'UTF8'))::text; gen_random_uuid()::text
        row_to_json(ROW (n, x))::text; greatest(s, t); unistr('a'); ascii(s)::text
    """,
    int: """
        length(s); char_length(s); octet_length(s); position('a' IN s); strpos(s, 'a'); abs(n)
        n + 1; n - 2; n * 3; n / 2; n % 2; -n; mod(n, 2); n & 1; n | 1; n # 1; ~n; n << 1
        cardinality(tags); cardinality(ARRAY[n, x]); coalesce(x, 0); greatest(n, x); least(x, n)
        sign(n)::int; round(price)::int; floor(price)::int; ceil(price)::int; trunc(price)::int
        jsonb_array_length('[1]'); num_nulls(x, t); num_nonnulls(x); day - day; n::bigint
        CASE WHEN n > 1 THEN 1 ELSE 0 END; (n > 1)::int; (n)::int; width_bucket(n, 1, 5, 2)
        ascii(s); (SELECT count(*) FROM b); (SELECT max(q.v) FROM (VALUES (1)) AS q (v))
        (SELECT count(*) FROM b WHERE b.a_id = a.id); hashtext(s)
        coalesce((SELECT max(y) FROM b), 0)
    """,
    float: """
        n::float8; sqrt(n::float8); power(n, 2); random(); n / 2.0::float8; exp(1.0::float8)
        extract(epoch FROM gap)::float8; extract(year FROM at)::float8
        extract(epoch FROM at)::float8; ln(2.0::float8); pi(); round(n::float8); n ^ 2
    """,
    bool: """
        n > 1; n = 1 AND s = 'a'; NOT flag; n IN (1, 2); n = ANY (ARRAY[1, 2]); s LIKE 'a%'
        s NOT LIKE 'a%'; s ILIKE 'a'; s ~ 'a'; s !~* 'a'; n BETWEEN 1 AND 2; n NOT BETWEEN 1 AND 2
        n BETWEEN SYMMETRIC 2 AND 1; x IS NULL; x IS NOT NULL; x IS DISTINCT FROM n; flag IS TRUE
        doc @> '{}'; doc ? 'a'; doc ?| ARRAY['a']; doc ?& ARRAY['a']; tags @> ARRAY['a']
        tags && tags; words <@ words; span @> n; span && span; '{}'::jsonb <@ doc
        EXISTS (SELECT FROM b); n IN (SELECT b.n FROM b); n NOT IN (SELECT b.id FROM b)
        n = ANY (SELECT b.n FROM b); (n, s) = (1, 'a'); (n, n) IN ((1, 2))
        starts_with(s, 'a'); isempty(span); isfinite(at)
        coalesce(x > 1, false); at > now(); day < current_date; s SIMILAR TO 'a'; flag OR n = 1
        at < now() - interval '1 day'; to_tsvector('simple', s) @@ to_tsquery('simple', 'a')
        bool 'true'; (x IS NULL) = flag; n <> ALL (ARRAY[1, 2]); flag = (n = 1)
    """,
    datetime: """
        now(); at + interval '1 day'; at - interval '1 day'; date_trunc('day', at)
        clock_timestamp(); at + gap; coalesce(at, now()); greatest(at, now()); current_timestamp
        to_timestamp(n); date_bin('1 day', at, now())
        (day + interval '1 day') AT TIME ZONE 'UTC'
        (at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'; make_timestamptz(2026, 1, 1, 1, 1, 1)
        at + n * interval '1 day'; date_trunc('day', at, 'UTC')
    """,
    date: "day + 1; day - 1; current_date; day; make_date(2026, 1, n); date '2026-01-01'; at::date",
    timedelta: """
        gap; gap * 2; make_interval(days => 1); make_interval(0, 0, 0, n); interval '1 day'
        justify_days(gap); gap + gap; -gap
    """,
}
CASES = [
    (kind, text.strip())
    for kind, texts in EXPRESSIONS.items()
    for text in re.split(r";|\n", texts)
    if text.strip()
]
WHOLE: dict[str, Any] = {
    # functions in FROM
    "generate_series": ("SELECT g.i AS c0 FROM generate_series(1, 3) AS g (i)", int),
    "generate_series, by one name": ("SELECT n AS c0 FROM generate_series(1, 3) AS n", int),
    "generate_series, by two": ("SELECT n.n AS c0 FROM generate_series(1, 3) AS n", int),
    "generate_series of a time": (
        "SELECT g.d AS c0 FROM generate_series(now(), now(), '1 day') AS g (d)", datetime),
    "generate_series with its place": (
        "SELECT g.i AS c0, g.place AS c1 FROM generate_series(1, 3)"
        " WITH ORDINALITY AS g (i, place)", int, int),
    "generate_series of a column": (
        "SELECT g.i AS c0 FROM a CROSS JOIN LATERAL generate_series(1, a.n) AS g (i)", int),
    "generate_series on the left": (
        "SELECT g.i AS c0, coalesce(sum(b.n), 0) AS c1 FROM generate_series(1, 3) AS g (i)"
        " LEFT JOIN b ON b.id = g.i GROUP BY g.i", int, int),
    "unnest": ("SELECT u.i AS c0 FROM unnest(ARRAY[1, 2]) AS u (i)", int),
    "unnest of a column": ("SELECT u.w AS c0 FROM a, unnest(a.words) AS u (w)", str),
    "keys": ("SELECT k AS c0 FROM jsonb_object_keys('{\"a\": 1}') AS k", str),
    "elements": ("SELECT e::text AS c0 FROM jsonb_array_elements('[1, null]') AS e", str),
    "pairs": (
        "SELECT e.key AS c0, e.value::text AS c1 FROM jsonb_each('{\"a\": null}') AS e", str, str),
    "split": ("SELECT w AS c0 FROM regexp_split_to_table('a b', ' ') AS w", str),
    # aggregates in groups
    "sum": ("SELECT n AS c0, sum(n) AS c1, max(s) AS c2 FROM a GROUP BY n", int, int, str),
    "string_agg": ("SELECT string_agg(s, ',' ORDER BY id) AS c0 FROM a GROUP BY flag", str),
    "string_agg of a text": (
        "SELECT string_agg(DISTINCT n::text, ',') AS c0 FROM a GROUP BY flag", str),
    "jsonb_agg": ("SELECT jsonb_agg(x)::text AS c0 FROM a GROUP BY flag", str),
    "json_agg of rows": (
        "SELECT json_agg(json_build_object('n', n) ORDER BY n)::text AS c0 FROM a GROUP BY flag",
        str),
    "jsonb_object_agg": ("SELECT jsonb_object_agg(s, x)::text AS c0 FROM a GROUP BY flag", str),
    "bool_or": ("SELECT bool_or(flag) AS c0, every(flag) AS c1 FROM a GROUP BY n", bool, bool),
    "avg": ("SELECT avg(n)::float8 AS c0 FROM a GROUP BY flag", float),
    "bit_or": ("SELECT bit_or(n) AS c0 FROM a GROUP BY flag", int),
    "count": (
        "SELECT count(*) AS c0, count(DISTINCT x) AS c1, count(*) FILTER (WHERE x > 1) AS c2"
        " FROM a",
        int, int, int),
    "coalesce of a sum": ("SELECT coalesce(sum(n), 0) AS c0 FROM a", int),
    "coalesce of jsonb_agg": ("SELECT coalesce(jsonb_agg(n), '[]')::text AS c0 FROM a", str),
    "a sum of what is found": (
        "SELECT sum(x) AS c0 FROM a WHERE x IS NOT NULL GROUP BY flag", int),
    "a sum of sums": (
        "SELECT sum(q.s) AS c0 FROM (SELECT flag, sum(n) AS s FROM a GROUP BY flag) AS q"
        " GROUP BY q.flag", int),
    "array_agg": ("SELECT array_agg(n ORDER BY n) AS c0 FROM a GROUP BY flag", list[int]),
    "grouped by an expression": (
        "SELECT date_trunc('day', day)::text AS c0, count(*) AS c1"
        " FROM a GROUP BY date_trunc('day', day)", str, int),
    "sum with HAVING": ("SELECT n AS c0, sum(n) AS c1 FROM a GROUP BY n HAVING sum(n) > 0",
        int, int),
    # windows
    "a running sum": ("SELECT sum(n) OVER (ORDER BY id) AS c0 FROM a", int),
    "a running sum by rows": (
        "SELECT sum(n) OVER (PARTITION BY flag ORDER BY id"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS c0 FROM a", int),
    "a running sum, in short": (
        "SELECT sum(n) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS c0 FROM a", int),
    "a moving average": (
        "SELECT avg(n) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING)::float8 AS c0"
        " FROM a", float),
    "a whole frame": (
        "SELECT max(n) OVER (ORDER BY id RANGE BETWEEN UNBOUNDED PRECEDING"
        " AND UNBOUNDED FOLLOWING) AS c0 FROM a", int),
    "a named window": ("SELECT sum(n) OVER w AS c0 FROM a WINDOW w AS (ORDER BY id)", int),
    "a rank": (
        "SELECT rank() OVER (ORDER BY n) AS c0, dense_rank() OVER (ORDER BY n) AS c1,"
        " row_number() OVER (ORDER BY n) AS c2, ntile(4) OVER (ORDER BY n) AS c3,"
        " percent_rank() OVER (ORDER BY n) AS c4, cume_dist() OVER (ORDER BY n) AS c5 FROM a",
        int, int, int, int, float, float),
    "lag with a default": ("SELECT lag(n, 1, 0) OVER (ORDER BY id) AS c0 FROM a", int),
    "coalesce of lag": ("SELECT coalesce(lag(n) OVER (ORDER BY id), 0) AS c0 FROM a", int),
    "first_value": (
        "SELECT first_value(n) OVER (ORDER BY id) AS c0, last_value(n) OVER (ORDER BY id) AS c1"
        " FROM a", int, int),
    "a window over groups": (
        "SELECT sum(count(*)) OVER (ORDER BY n) AS c0 FROM a GROUP BY n", int),
    "a filtered count": (
        "SELECT count(*) FILTER (WHERE x > 1) OVER (ORDER BY id) AS c0 FROM a", int),
    # conditions
    "IS NOT NULL": ("SELECT x AS c0 FROM a WHERE x IS NOT NULL", int),
    "IS NOT NULL of a side": (
        "SELECT b.n AS c0 FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.id IS NOT NULL", int),
    "a condition on a side": (
        "SELECT b.n AS c0, b.y AS c1 FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.y > 0", int, int),
    "a function in a condition": ("SELECT t AS c0 FROM a WHERE lower(t) = 't'", str),
    "arithmetic in a condition": ("SELECT x AS c0 FROM a WHERE x + 1 > 2", int),
    "LIKE": ("SELECT t AS c0 FROM a WHERE t LIKE 't%'", str),
    "NOT LIKE": ("SELECT t AS c0 FROM a WHERE t NOT LIKE 'a%'", str),
    "BETWEEN": ("SELECT x AS c0 FROM a WHERE x BETWEEN 1 AND 9", int),
    "IN": ("SELECT x AS c0 FROM a WHERE x IN (2, 3)", int),
    "IN of a subselect": ("SELECT x AS c0 FROM a WHERE x IN (SELECT b.id FROM b)", int),
    "= ANY": ("SELECT x AS c0 FROM a WHERE x = ANY (:ids)", int),
    "OR": ("SELECT x AS c0 FROM a WHERE x = 2 OR x > 2 AND n > 1", int),
    "NOT": ("SELECT x AS c0 FROM a WHERE NOT x > 7", int),
    "a flag": ("SELECT q.f AS c0 FROM (SELECT x > 1 AS f FROM a) AS q WHERE q.f", bool),
    "IS TRUE": ("SELECT x AS c0 FROM a WHERE (x > 1) IS TRUE", int),
    "an inner join": ("SELECT b.y AS c0 FROM a JOIN b ON b.y = a.x", int),
    "a pair": ("SELECT x AS c0 FROM a WHERE (n, x) = (3, 3)", int),
    # CTEs, subselects, views
    "a recursion": (
        "WITH RECURSIVE r (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM r WHERE k < 3)"
        " SELECT k AS c0 FROM r", int),
    "a tree": (
        "WITH RECURSIVE r AS (SELECT id, n, 1 AS depth, ARRAY[id] AS path FROM b WHERE a_id = 1"
        " UNION ALL SELECT b.id, b.n, r.depth + 1, r.path || b.id FROM b JOIN r ON b.a_id = r.id"
        " WHERE r.depth < 3) SELECT id AS c0, n AS c1, depth AS c2, cardinality(path) AS c3 FROM r",
        int, int, int, int),
    "a view": ("SELECT id AS c0, n AS c1 FROM v", int, int),
    "a view over a view": ("SELECT id AS c0, c AS c1 FROM nested", int, int),
    "a view over a join": ("SELECT id AS c0 FROM outer_v", int),
    "a view with a condition": ("SELECT x AS c0 FROM v WHERE x > 0", int),
    "a partitioned table": ("SELECT id AS c0 FROM part", int),
    "a parent": ("SELECT y AS c0 FROM parent", int),
    "another schema's": ("SELECT id AS c0 FROM apart.alone", int),
    "a domain": ("SELECT upper(w) AS c0 FROM of_domain", str),
    "VALUES": ("SELECT t.n AS c0 FROM (VALUES (1), (2)) AS t (n)", int),
    "a lateral count": (
        "SELECT q.c AS c0 FROM a CROSS JOIN LATERAL"
        " (SELECT count(*) AS c FROM b WHERE b.a_id = a.id) AS q", int),
    "FULL JOIN USING": ("SELECT id AS c0 FROM a FULL JOIN b USING (id)", int),
    "coalesce of both sides": (
        "SELECT coalesce(a.n, b.n, 0) AS c0 FROM a FULL JOIN b ON b.id = a.id", int),
    "DISTINCT ON": ("SELECT DISTINCT ON (n) n AS c0, s AS c1 FROM a ORDER BY n, id", int, str),
    "RETURNING": (
        "UPDATE a SET n = n + 1 WHERE x > 0 RETURNING n AS c0, upper(s) AS c1", int, str),
    "DELETE": ("DELETE FROM b WHERE y IS NOT NULL RETURNING id AS c0, n * 2 AS c1", int, int),
    "an upsert": (
        "INSERT INTO b (id, a_id, n) VALUES (1, 1, 1) ON CONFLICT (id) DO UPDATE"
        " SET n = b.n + excluded.n RETURNING id AS c0, n AS c1", int, int),
    "a CTE that writes": (
        "WITH w AS (INSERT INTO b (id, a_id, n) VALUES (9, 1, 1) RETURNING id, n)"
        " SELECT id AS c0, n AS c1 FROM w", int, int),
}  # fmt: skip


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        fill(connection)
        yield connection


def expression(text: str) -> str:
    return f"SELECT {text} AS c0 FROM a"


@pytest.fixture(scope="module")
def findings(connection: psycopg.Connection) -> dict[str, list[Finding]]:
    drafts = {text: draft(expression(text), kind) for kind, text in CASES}
    drafts |= {name: draft(*case) for name, case in WHOLE.items()}
    return dict(zip(drafts, prove(connection, *drafts.values()), strict=True))


def never_null(connection: psycopg.Connection, folder: Path, sql: str) -> bool:
    """Whether the server gives rows, and none of them with a NULL."""
    answer = rows(connection, folder, sql, ids="{2,3}")
    return bool(answer) and not any(value is None for row in answer for value in row)


@pytest.mark.parametrize("text", [text for _, text in CASES])
def test_an_expression(
    connection: psycopg.Connection,
    tmp_path: Path,
    findings: dict[str, list[Finding]],
    text: str,
) -> None:
    assert never_null(connection, tmp_path, f"{expression(text)} WHERE id = 1")
    assert not kinds(findings[text]) & NULLABILITY, shown(findings[text])


@pytest.mark.parametrize("case", WHOLE)
def test_a_statement(
    connection: psycopg.Connection,
    tmp_path: Path,
    findings: dict[str, list[Finding]],
    case: str,
) -> None:
    assert never_null(connection, tmp_path, WHOLE[case][0])
    assert not kinds(findings[case]) & NULLABILITY, shown(findings[case])
