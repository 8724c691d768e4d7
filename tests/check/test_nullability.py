"""What is proven of output columns, read by a person in tables, and held against a real server."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from dal.check.analysis import analyse
from dal.check.analysis.values import unproven
from dal.check.dialect import NotAnalysedError, parsed
from dal.check.schema import Schema
from dal.check.server.tables import read_schema
from tests.check.analysing import columns

TABLES = """
    CREATE TABLE a (id int PRIMARY KEY, n int NOT NULL, x int, y int, s text NOT NULL);
    CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL, z int);
    CREATE VIEW v AS SELECT id, x FROM a;
"""
# Each combination of values of `a`, with and without rows of `b`; rows of `b` without one of `a`.
ROWS = """
    INSERT INTO a SELECT row_number() OVER (), n, x, y, 'null'
    FROM unnest(ARRAY[0, 1]) AS n, unnest(ARRAY[0, 1, NULL]) AS x,
        unnest(ARRAY[0, 1, NULL]) AS y, unnest(ARRAY[0, 1]) AS copy;
    INSERT INTO b SELECT row_number() OVER (ORDER BY a.id), a.id, z
    FROM a, unnest(ARRAY[0, 1, NULL]) AS z WHERE a.id % 2 = 0;
    INSERT INTO b VALUES (200, 0, 0), (201, 0, 1), (202, 0, NULL);
"""


@pytest.fixture(scope="module")
def schema(module_database: str) -> Iterator[Schema]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute(TABLES)
        yield read_schema(connection)


def words(sql: str, schema: Schema) -> str:
    return " ".join("never" if value.never_null else "maybe" for _, value in columns(sql, schema))


# The fixtures, each in both directions.
FIXTURES = [
    # LEFT JOIN and its kin
    ("SELECT a.id, b.id FROM a LEFT JOIN b ON b.a_id = a.id", "never maybe"),
    ("SELECT a.id, b.id FROM a JOIN b ON b.a_id = a.id", "never never"),
    ("SELECT a.id, b.id FROM b RIGHT JOIN a ON b.a_id = a.id", "never maybe"),
    ("SELECT a.id, b.id FROM a FULL JOIN b ON b.id = a.id + 3", "maybe maybe"),
    ("SELECT a.id, c.id FROM a LEFT JOIN (b JOIN b AS c USING (id)) ON b.a_id = a.id",
     "never maybe"),
    ("SELECT a.id, b.id FROM a, v LEFT JOIN b ON b.id = v.id + 90", "never maybe"),
    ("SELECT a.id, b.id FROM a, v RIGHT JOIN b ON b.id = v.id + 90", "never never"),
    ("SELECT a.id, t.c FROM a LEFT JOIN LATERAL (SELECT count(*) AS c FROM b) AS t ON true",
     "never never"),
    ("SELECT b.id, b.z FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.id IS NOT NULL",
     "never maybe"),
    # aggregates over nothing
    ("SELECT sum(n), max(n), avg(n), array_agg(n), string_agg(s, ','), count(n) FROM a",
     "maybe maybe maybe maybe maybe never"),
    ("SELECT coalesce(sum(n), 0), sum(n) FILTER (WHERE x > 5) FROM a", "never maybe"),
    ("SELECT x, sum(n), sum(x), array_agg(x), count(*) FROM a GROUP BY x",
     "maybe never maybe never never"),
    ("SELECT '{1}' || array_agg(n) FROM a", "maybe"),
    ("SELECT sum(n) FROM a HAVING count(*) > 0", "maybe"),
    ("SELECT t.s FROM (SELECT sum(n) AS s, count(*) AS c FROM a) AS t WHERE t.c > 0", "maybe"),
    # CASE
    ("SELECT CASE WHEN x > 0 THEN 1 END, CASE WHEN x > 0 THEN 1 ELSE 2 END FROM a",
     "maybe never"),
    ("SELECT CASE WHEN n > 0 THEN x ELSE 2 END, CASE WHEN x IS NULL THEN 0 ELSE x END FROM a",
     "maybe never"),
    ("SELECT CASE WHEN x > 0 THEN 1 END FROM a WHERE x > 0", "maybe"),
    ("SELECT CASE WHEN n = n THEN 1 END FROM a", "maybe"),
    ("SELECT CASE WHEN $1 = 1 THEN 1 END FROM (SELECT id FROM a WHERE $1 = 1) AS t", "maybe"),
    # scalar subselects
    ("SELECT (SELECT 1 WHERE n >= 0) FROM a", "maybe"),
    ("SELECT (SELECT b.id FROM b WHERE b.a_id = a.id LIMIT 1) FROM a", "maybe"),
    ("SELECT (SELECT count(*) FROM b), (SELECT max(id) FROM b), (SELECT max(n) FROM a) FROM a",
     "never maybe maybe"),
    # views
    ("SELECT id, x FROM v", "never maybe"),
    ("SELECT id FROM v WHERE id IS NOT NULL", "never"),
    # RETURNING, through a CTE
    ("WITH new AS (INSERT INTO a AS t (id, n, x, s) VALUES (90, 1, $1, 's') RETURNING t.id, x, y)"
     " SELECT id, x, y FROM new", "never maybe maybe"),
    ("WITH gone AS (DELETE FROM a WHERE n = 1 RETURNING id, x) SELECT id, x FROM gone",
     "never maybe"),
    ("UPDATE a SET x = $1, y = 3 FROM (SELECT 1 AS one) AS c WHERE x = 1 RETURNING a.x, y, c.one",
     "maybe maybe never"),
    # set operations
    ("SELECT n FROM a UNION ALL SELECT id FROM b", "never"),
    ("SELECT n FROM a UNION SELECT z FROM b", "maybe"),
    ("SELECT x FROM a INTERSECT SELECT id FROM b", "never"),
    ("SELECT x FROM a EXCEPT SELECT z FROM b", "maybe"),
]  # fmt: skip

CASES = [
    ("SELECT x FROM a WHERE x IS NOT NULL", "never"),
    ("SELECT x, y FROM a WHERE x = $1 AND (y > 0 OR n = 1)", "never maybe"),
    ("SELECT x FROM a WHERE x = ALL ('{}'::int[])", "maybe"),
    ("SELECT x FROM a WHERE NOT (x IS NOT NULL)", "maybe"),
    ("SELECT a.x, b.z FROM a JOIN b ON b.z = a.x", "never never"),
    ("SELECT c.x FROM a JOIN (SELECT id AS k, x FROM a) AS c ON c.k = a.id", "maybe"),
    ("SELECT t.y FROM (SELECT x AS k, x AS y FROM a) AS t WHERE t.k = 1", "maybe"),
    ("SELECT a.x FROM a CROSS JOIN LATERAL (SELECT 1 AS one WHERE a.x = 1) AS t", "maybe"),
    ("SELECT id, b.z, a.id FROM a JOIN b USING (id)", "never maybe never"),
    ("SELECT id, coalesce(a.id, b.id) FROM a FULL JOIN b USING (id)", "never maybe"),
    ("SELECT id FROM a FULL JOIN (SELECT z AS id FROM b) AS t USING (id)", "maybe"),
    ("SELECT $1::int, $2::int + $2::int", "maybe maybe"),
    ("SELECT x + 1, -x, x < n, x::text, n + 1, n::text, NOT n > 1 FROM a",
     "maybe maybe maybe maybe never never never"),
    ("SELECT s || 'a', x || 'a', s || x FROM a", "never maybe maybe"),
    ("SELECT (n + 1)::bigint, s::jsonb ->> 'k' FROM a", "never maybe"),
    ("SELECT x IS NULL, x IS DISTINCT FROM y, EXISTS (SELECT FROM b), x IN (1, n) FROM a",
     "never never never maybe"),
    ("SELECT now(), clock_timestamp(), gen_random_uuid(), current_user, 'a', NULL",
     "never never never never never maybe"),
    ("SELECT now() AT TIME ZONE 'UTC' + interval '1 microsecond'", "never"),
    ("SELECT coalesce(x, n), greatest(x, n), coalesce(x, y), least(x, x), nullif(n, 1) FROM a",
     "never never maybe maybe maybe"),
    ("SELECT row_number() OVER (), lag(n) OVER (ORDER BY id), sum(n) OVER (ORDER BY id) FROM a",
     "never maybe never"),
    ("SELECT sum(n) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) FROM a",
     "maybe"),
    ("SELECT t.p FROM (SELECT row_number() OVER (ORDER BY id) AS r, lag(n) OVER (ORDER BY id) AS p"
     " FROM a) AS t WHERE t.r > 1", "maybe"),
    ("SELECT lag(n) OVER (ORDER BY id) FROM a ORDER BY id OFFSET 1", "maybe"),
    ("SELECT g.i, g.place FROM unnest($1::int[]) WITH ORDINALITY AS g (i, place)",
     "maybe never"),
    ("SELECT t.p, t.q FROM (VALUES (1, NULL), (2, 3)) AS t (p, q)", "never maybe"),
    ("SELECT t.q FROM (VALUES (1, NULL), (2, 3)) AS t (p, q) WHERE t.p = 2", "maybe"),
    ("WITH RECURSIVE r (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM r WHERE k < 3)"
     " SELECT k FROM r", "never"),
    ("SELECT x, n FROM a GROUP BY ROLLUP (x, n)", "maybe maybe"),
    ("SELECT (SELECT count(a.n) FROM b WHERE b.id = 0) FROM a", "maybe"),
    ("SELECT public.a.n, t.n FROM public.a, public.a AS t", "maybe never"),
    ("INSERT INTO a (id, n, s) VALUES (91, 1, 's') ON CONFLICT (id) DO UPDATE SET n = a.n"
     " RETURNING id, x", "never maybe"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), FIXTURES + CASES)
def test_proofs(schema: Schema, sql: str, expected: str) -> None:
    assert words(sql, schema) == expected


def observed(url: str, sql: str, schema: Schema) -> list[set[bool]]:
    """For each column whether it was NULL, with rows and without, with NULL as a parameter."""
    seen: list[set[bool]] = [set() for _ in columns(sql, schema)]
    count = len({node.name for node in parse_one(sql, read="postgres").find_all(exp.Parameter)})
    with psycopg.connect(url, cursor_factory=psycopg.RawCursor) as connection:
        for state in ("SELECT 1", "DELETE FROM b", "DELETE FROM a"):
            connection.execute(state)
            for given_value in (None, "{0,1}" if "[]" in sql else 1):
                with connection.transaction(force_rollback=True):
                    for row in connection.execute(sql.encode(), [given_value] * count):
                        for nulls, value in zip(seen, row, strict=True):
                            nulls.add(value is None)
        connection.rollback()
    return seen


@pytest.fixture
def filled(empty_database: str) -> str:
    with psycopg.connect(empty_database) as connection:
        connection.execute(TABLES)
        connection.execute(ROWS)
    return empty_database


def test_a_json_null_may_become_null(schema: Schema) -> None:
    """From PostgreSQL 18 on; before, it is an error."""
    assert words("SELECT s::jsonb::int FROM a", schema) == "maybe"


def test_proofs_hold_on_a_server(filled: str, schema: Schema) -> None:
    wrong = []
    for sql, expected in FIXTURES + CASES:
        for word, nulls in zip(expected.split(), observed(filled, sql, schema), strict=True):
            if word == "never" and True in nulls:
                wrong.append((sql, expected, nulls))
    assert wrong == []


COLUMNS = st.sampled_from(["a.x", "a.y", "a.n", "b.z"])
LEAVES = COLUMNS | st.sampled_from(["b.id", "1", "NULL::int"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    test = st.builds("{} {} {}".format, COLUMNS, st.sampled_from(["<", "="]), COLUMNS)
    return st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("{}({}, {})".format, st.sampled_from(["coalesce", "least"]), inner, inner),
        st.builds("nullif({}, {})".format, COLUMNS, COLUMNS),
        st.builds("CASE WHEN {} THEN {} END".format, test, inner),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, test, inner, inner),
        st.builds("({} IS NULL)::int".format, inner),
        st.builds("({} = {})::int".format, inner, inner),
        st.builds("(SELECT {} FROM b AS c WHERE c.id = {} LIMIT 1)".format, inner, inner),
        st.builds("(SELECT {}(c.z) FROM b AS c WHERE c.id = {})".format,
                  st.sampled_from(["max", "count"]), inner),
    )  # fmt: skip


EXPRESSIONS = st.recursive(LEAVES, grown, max_leaves=5)
TESTS = st.builds(
    "{} {}".format, COLUMNS, st.sampled_from(["= 0", "IS NULL", "IS NOT NULL", "< a.n", "<> 1"])
)
CONDITIONS = st.builds(
    "{} {} {}".format, TESTS, st.sampled_from(["AND", "OR", "AND NOT"]), TESTS
) | st.just("true")
JOINS = st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])


def test_composed_proofs_hold_on_a_server(filled: str, schema: Schema) -> None:
    proven = {"never": 0, "maybe": 0}

    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bare; CREATE TABLE bare.b (LIKE b)")

        @settings(max_examples=300, derandomize=True, deadline=None, phases=[Phase.generate])
        @given(EXPRESSIONS, JOINS, CONDITIONS)
        def hold(expression: str, join: str, condition: str) -> None:
            sql = f"SELECT {expression} AS e FROM a {join} b ON b.a_id = a.id WHERE {condition}"
            inner = f"SELECT t.e FROM ({sql}) AS t"
            nulls = set()
            for path in ("public", "bare, public"):
                connection.execute(f"SET search_path = {path}".encode())
                nulls |= {row[0] is None for row in connection.execute(inner.encode())}
            word = words(inner, schema)
            proven[word] += 1
            assert not (word == "never" and True in nulls), sql

        hold()
    assert all(count > 20 for count in proven.values()), proven


@pytest.mark.parametrize(
    ("sql", "origins"),
    [
        ("WITH c AS (SELECT id, x AS k FROM a) SELECT t.k, t.id FROM (SELECT k, id FROM c) AS t",
         [("a", "x"), ("a", "id")]),
        ("SELECT x::text, x + 1, (x) FROM a", [None, None, ("a", "x")]),
        ("SELECT x FROM a UNION ALL SELECT x FROM a AS t", [("a", "x")]),
        ("SELECT x FROM a UNION ALL SELECT z FROM b", [None]),
        ("INSERT INTO a AS t (id) VALUES (1) RETURNING t.x", [("a", "x")]),
        ("SELECT id FROM a JOIN b USING (id)", [("a", "id")]),
    ],
)  # fmt: skip
def test_origins(schema: Schema, sql: str, origins: list[tuple[str, str] | None]) -> None:
    assert [value.origin for _, value in columns(sql, schema)] == origins


def test_names_are_the_clients(schema: Schema) -> None:
    sql = 'SELECT x, X AS Y, n AS "m.N", x::text, count(*) FROM a GROUP BY x, n'
    assert [name for name, _ in columns(sql, schema)] == ["x", "y", "m.N", "x", ""]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT b.id FROM a LEFT JOIN b ON true", "the right side of a LEFT JOIN"),
        ("SELECT n FROM a", "a.n is NOT NULL"),
        ("SELECT sum(n) FROM a", "sum() may see no rows"),
        ("SELECT CASE WHEN x = 1 THEN 1 END FROM a", "CASE without ELSE"),
        ("SELECT (SELECT n FROM a LIMIT 1)", "a scalar subselect may find no row"),
        ("SELECT x FROM v", "view `v`: a.x is not declared NOT NULL"),
        ("SELECT md5(s) FROM a", "no operand of md5(s) is ever NULL"),
        ("SELECT mine(s) FROM a", "mine(s) is not analysed"),
        (
            "SELECT s::jsonb ->> 'k' FROM a",
            "CAST(s AS JSONB) ->> 'k' may be NULL though no operand is",
        ),
    ],
)
def test_reasons(schema: Schema, sql: str, reason: str) -> None:
    assert columns(sql, schema)[0][1].reason == reason


@pytest.mark.parametrize("sql", ["SELECT * FROM a", "SELECT a.* FROM a, b", "TABLE a"])
def test_a_star_stands_for_its_columns(schema: Schema, sql: str) -> None:
    columns = analyse(parsed(sql), ["id", "n", "x", "y", "s"], schema).columns
    assert [value.never_null for _, value in columns] == [True, True, False, False, True]


@pytest.mark.parametrize("sql", ["SELECT * FROM a JOIN b USING (id)", "SELECT * FROM f() AS t"])
def test_a_star_that_is_not_followed(schema: Schema, sql: str) -> None:
    names = ["id", "n", "x", "y", "s", "a_id", "z"]
    [(_, first), *_] = analyse(parsed(sql), names, schema).columns
    assert first == unproven("its columns can't be followed")


@pytest.mark.parametrize("sql", ["SELECT left( FROM a", "SELECT 1; SELECT 2", "'"])
def test_what_can_not_be_parsed(sql: str) -> None:
    with pytest.raises(NotAnalysedError):
        parsed(sql)
