"""A quiet conversation among few: its page is a range of its own index all the same.

Where messages are in few conversations, the planner expects each of them to have a good part of
all messages. It may then take the latest of all, and leave out those of others, until a page is
full: for a quiet conversation these are all that there are.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from tests.check.skew import STATEMENTS, Owner, bounds, calls, touched
from tests.servers import Postgres

SQL = """
    INSERT INTO users (id) VALUES ('quiet'), ('busy');

    INSERT INTO conversations (id, user_id, created_at, updated_at)
    SELECT md5(id)::uuid, id, '2025-01-01 00:00Z', '2025-06-01 00:00Z' FROM users;

    INSERT INTO messages (id, user_id, conversation_id, role, content, created_at)
    SELECT md5(c.user_id || n)::uuid, c.user_id, c.id, 'user', 'Buy milk',
        timestamptz '2025-01-01 00:00Z' + n * interval '1 minute'
    FROM (VALUES ('quiet', 100), ('busy', 20000)) AS sizes (user_id, size)
    JOIN conversations AS c USING (user_id), generate_series(1, size) AS n
    ORDER BY n;
"""
QUIET = Owner("quiet", "quiet", "quiet50", datetime(2025, 1, 1, 1, tzinfo=UTC), 1, 100, 100)


@pytest.fixture(scope="module")
def few(postgres: Postgres, migrated_template: str) -> Iterator[psycopg.Connection]:
    url = postgres.create(migrated_template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL.encode())
        connection.execute("ANALYZE users, conversations, messages")
        yield connection
    postgres.drop(url)


@pytest.mark.parametrize("generic", [True, False], ids=["generic", "custom"])
@pytest.mark.parametrize("limit", [20, 100])
def test_a_page_of_a_quiet_conversation(few: psycopg.Connection, limit: int, generic: bool) -> None:
    beyond = {}
    for name, bound in bounds(QUIET).items():
        if name == "users.erase":
            continue  # of two users, it may well look at every row
        for page, values in enumerate(calls(STATEMENTS[name], QUIET, limit)):
            found = touched(few, STATEMENTS[name], values, generic=generic)
            if excess := found.beyond(bound, limit):
                beyond[name, page] = excess
    assert beyond == {}
