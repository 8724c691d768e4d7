"""Tables with NULLs wherever they can be, for the tests of what may be NULL."""

from pathlib import Path
from typing import Any

import psycopg
from pydantic import create_model

from dal.binding.statement import read_statement
from tests.check.proving import Draft

SCHEMA = """
    CREATE TABLE a (
        id int PRIMARY KEY, n int NOT NULL, x int, s text NOT NULL, t text, flag boolean NOT NULL,
        at timestamptz NOT NULL, day date NOT NULL, price numeric NOT NULL, doc jsonb NOT NULL,
        tags text[] NOT NULL, words text[] NOT NULL CHECK (array_position(words, NULL) IS NULL),
        span int4range NOT NULL, name varchar(20) NOT NULL, gap interval NOT NULL);
    CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL, y int, n int NOT NULL);
    CREATE VIEW v AS SELECT id, n, x FROM a WHERE n < 100;
    CREATE VIEW outer_v AS SELECT a.id, b.id AS b_id FROM a LEFT JOIN b ON b.a_id = a.id;
    CREATE VIEW nested AS SELECT v.id, v.x, count(*) AS c FROM v GROUP BY v.id, v.x;

    CREATE SCHEMA apart;
    CREATE TABLE apart.a (id int, n int);
    CREATE TABLE apart.alone (id int NOT NULL, x int);
    CREATE TEMP TABLE b_temporary (id int NOT NULL, x int);
    CREATE TABLE hidden (id int NOT NULL);
    CREATE TEMP TABLE hidden (id int);

    CREATE TABLE part (id int NOT NULL, kind int) PARTITION BY LIST (kind);
    CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
    CREATE TABLE part_rest PARTITION OF part DEFAULT;

    CREATE TABLE parent (x int NOT NULL, y int NOT NULL, tags text[] NOT NULL);
    CREATE TABLE child () INHERITS (parent);

    CREATE TABLE base (id int PRIMARY KEY, later int);
    INSERT INTO base VALUES (1, NULL);
    CREATE MATERIALIZED VIEW before AS SELECT id, later FROM base;
    UPDATE base SET later = 1;
    ALTER TABLE base ALTER later SET NOT NULL;

    CREATE DOMAIN filled AS int NOT NULL;
    CREATE DOMAIN word AS text;
    CREATE TABLE of_domain (id int NOT NULL, f filled, w word NOT NULL);
    INSERT INTO of_domain (id, f, w) VALUES (1, (SELECT f FROM of_domain WHERE false), 'w');

    CREATE VIEW writable AS SELECT id, n FROM a;
    CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.n := NULL; RETURN NEW; END';
    CREATE TRIGGER writes INSTEAD OF INSERT ON writable FOR EACH ROW EXECUTE FUNCTION instead();
"""
# What hides PostgreSQL's own, or adds to it.
OWN = """
    CREATE FUNCTION upper(int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT NULL::text';
    CREATE FUNCTION halved(int) RETURNS int STRICT IMMUTABLE LANGUAGE sql AS 'SELECT NULL::int';
    CREATE FUNCTION nothing(int) RETURNS int STRICT IMMUTABLE LANGUAGE sql AS 'SELECT NULL::int';
    CREATE OPERATOR <<| (FUNCTION = nothing, RIGHTARG = int);
    CREATE FUNCTION default_values(text, int) RETURNS int STRICT IMMUTABLE LANGUAGE sql AS
        'SELECT NULL::int';
    CREATE OPERATOR @> (FUNCTION = default_values, LEFTARG = text, RIGHTARG = int);
    CREATE FUNCTION to_nothing(int4range) RETURNS int STRICT IMMUTABLE LANGUAGE sql AS
        'SELECT NULL::int';
    CREATE CAST (int4range AS int) WITH FUNCTION to_nothing(int4range);
"""
ROWS = """
    INSERT INTO a VALUES
        (1, 1, NULL, 's', NULL, true, now(), '2026-01-01', 1.5, '{"k": null}', '{a,NULL}', '{a}',
         'empty', 'n', '1 day'),
        (2, 0, 2, '', 't', false, 'infinity', 'infinity', 'NaN', '[1, null]', '{}', '{}',
         '[,]', '', '-1 day'),
        (3, 3, 3, 'x', '', true, '-infinity', '-infinity', 0, 'null', '{NULL}', '{b,c}',
         '[1,2)', 'Ä', '0');
    INSERT INTO b VALUES (1, 1, NULL, 1), (2, 1, 2, 2), (3, 9, NULL, 3);
    INSERT INTO apart.a VALUES (NULL, NULL);
    INSERT INTO apart.alone VALUES (1, NULL);
    INSERT INTO hidden VALUES (NULL);
    INSERT INTO b_temporary VALUES (1, NULL);
    INSERT INTO part VALUES (1, 1), (2, NULL);
    INSERT INTO parent VALUES (1, 1, '{}');
    INSERT INTO child VALUES (2, 2, '{}');
"""


def fill(connection: psycopg.Connection) -> None:
    """Makes the tables and their rows."""
    connection.execute((SCHEMA + ROWS).encode())


def draft(sql: str, *kinds: type) -> Draft:
    """A statement whose columns c0, c1 and so on are of these types, and take no None."""
    fields = {f"c{number}": (kind, ...) for number, kind in enumerate(kinds)}
    return Draft(sql, list[create_model("Row", **fields)])  # type: ignore[call-overload,misc]


def rows(connection: psycopg.Connection, folder: Path, sql: str, **values: Any) -> list[Any]:
    """The rows that a statement gives; what it writes is undone."""
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run/it.sql").write_text(sql)
    statement = read_statement(folder, "run/it.sql")
    with connection.transaction(force_rollback=True), psycopg.RawCursor(connection) as cursor:
        cursor.execute(statement.text.encode(), [values[name] for name in statement.parameters])
        return cursor.fetchall()
