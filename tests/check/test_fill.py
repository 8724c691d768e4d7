"""Made-up rows for empty tables: what the catalogue asks for is kept, the rest is named."""

from collections.abc import Iterator

import psycopg
import pytest

from dal.check.fill import fill
from dal.check.server.catalog import LARGE_ROWS
from dal.testing.server import Postgres

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN percent AS integer CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE "Shops" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "Name" varchar(40) NOT NULL UNIQUE,
    contact email NOT NULL,
    opened date NOT NULL,
    closed date CHECK (closed > opened)
);
CREATE TABLE countries (code char(2) PRIMARY KEY CHECK (code = upper(code)));
CREATE TABLE products (
    shop bigint NOT NULL REFERENCES "Shops",
    number serial,
    title text NOT NULL CHECK (length(title) BETWEEN 3 AND 80),
    price numeric(6, 2) NOT NULL CHECK (price > 0),
    off percent NOT NULL DEFAULT 0,
    feeling mood NOT NULL,
    tags text[] NOT NULL,
    facts jsonb CHECK (jsonb_typeof(facts) = 'object'),
    slug text GENERATED ALWAYS AS (lower(title)) STORED,
    during tstzrange NOT NULL,
    sold boolean NOT NULL,
    sold_at timestamptz,
    token uuid NOT NULL,
    picture bytea,
    nth smallint NOT NULL,
    made timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shop, number),
    CHECK (sold = (sold_at IS NOT NULL)),
    CHECK (sold_at IS NULL OR sold_at >= made)
);
CREATE TABLE customers (
    id uuid PRIMARY KEY,
    invited_by uuid REFERENCES customers,
    country char(2) REFERENCES countries,
    kind text NOT NULL CHECK (kind IN ('person', 'company'))
);
CREATE TABLE profiles (customer uuid PRIMARY KEY REFERENCES customers, bio text);
CREATE TABLE orders (
    shop bigint NOT NULL REFERENCES "Shops",
    id bigint NOT NULL,
    customer uuid NOT NULL REFERENCES customers,
    PRIMARY KEY (shop, id)
);
CREATE TABLE lines (
    shop bigint NOT NULL, order_id bigint NOT NULL, product integer NOT NULL, amount int NOT NULL,
    PRIMARY KEY (shop, order_id, product),
    FOREIGN KEY (shop, order_id) REFERENCES orders,
    FOREIGN KEY (shop, product) REFERENCES products,
    CHECK (amount > 0)
);
CREATE TABLE friends (
    one uuid NOT NULL REFERENCES customers, other uuid NOT NULL REFERENCES customers,
    PRIMARY KEY (one, other), CHECK (one <> other)
);
CREATE TABLE events (at timestamptz NOT NULL, what text NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE trees (id int PRIMARY KEY, parent int NOT NULL REFERENCES trees);
CREATE TABLE husbands (id int PRIMARY KEY, wife int);
CREATE TABLE wives (id int PRIMARY KEY, husband int REFERENCES husbands);
CREATE MATERIALIZED VIEW sold_products AS SELECT shop, number FROM products WHERE sold;
CREATE MATERIALIZED VIEW sold_titles AS SELECT s.*, title FROM sold_products AS s JOIN products
    USING (shop, number);
ALTER TABLE husbands ADD FOREIGN KEY (wife) REFERENCES wives;
"""
IMPOSSIBLE = """
CREATE TABLE odd (code text NOT NULL CHECK (code ~ '^[a-z]{3}-[0-9]{4}/[A-Z]$'));
CREATE TABLE below (id int PRIMARY KEY, code text NOT NULL REFERENCES keyed (code));
CREATE TYPE pair AS (a int, b int);
CREATE TABLE composed (id int, both_of pair NOT NULL);
"""


@pytest.fixture
def connection(dal_server: Postgres) -> Iterator[psycopg.Connection]:
    url = dal_server.create()
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
    dal_server.drop(url)


def counts(connection: psycopg.Connection) -> dict[str, int]:
    query = """
        SELECT oid::regclass::text FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    """
    counted = {}
    for (name,) in connection.execute(query).fetchall():
        row = connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()
        counted[name] = row[0] if row else 0
    return counted


def test_all_kinds_of_columns_and_keys(connection: psycopg.Connection) -> None:
    connection.execute(SCHEMA.encode())
    assert list(fill(connection)) == []
    filled = counts(connection)
    small = {name: rows for name, rows in filled.items() if rows < LARGE_ROWS}
    # A key of two characters has no more values than these.
    assert set(small) <= {"countries", "events_2024", "events_2025"}
    assert filled["countries"] > 0
    row = connection.execute("SELECT count(*) FROM sold_titles").fetchone()
    assert row
    assert row[0] > 0
    statistics = "SELECT reltuples FROM pg_class WHERE relname = 'lines'"
    assert (connection.execute(statistics).fetchone() or [0])[0] == filled["lines"]


def test_the_same_rows_each_time(dal_server: Postgres) -> None:
    digests = set()
    for _ in range(2):
        url = dal_server.create()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SCHEMA.encode())
            list(fill(connection))
            query = "SELECT md5(string_agg(l::text, ',' ORDER BY l)) FROM lines AS l"
            digests |= {connection.execute(query).fetchone()}
        dal_server.drop(url)
    assert len(digests) == 1


def test_rows_that_are_there_stay(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE few (id int PRIMARY KEY); INSERT INTO few VALUES (7)")
    connection.execute("CREATE TABLE many (few int NOT NULL REFERENCES few)")
    assert list(fill(connection)) == []
    assert connection.execute("SELECT DISTINCT few FROM many").fetchall() == [(7,)]
    assert counts(connection)["few"] == 1


def test_what_can_not_be_filled_is_named(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE keyed (code text PRIMARY KEY CHECK (false))")
    connection.execute(IMPOSSIBLE.encode())
    problems = list(fill(connection))
    assert [problem.partition(":")[0].split()[0] for problem in problems] == [
        *("composed", "keyed", "odd", "below")
    ]
    assert problems[-1] == "below refers to a table without rows"
    assert not any(counts(connection).values())
