"""Statements that reach another user's rows: each of them is found, and seen to do it."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.check.proving import OWNERS, Draft, kinds, prove, shown
from tests.check.two_users import ROWS, SCHEMA, Witness

# Each of these returns or changes the other's rows.
NAMES = [
    "SELECT id, body FROM Messages",
    "SELECT id, body FROM MESSAGES AS M",
    'SELECT id, body FROM "messages"',
    "SELECT id, body FROM public.Messages",
    "DELETE FROM Messages",
    "DELETE FROM Messages AS m USING Conversations AS c WHERE c.user_id = :user_id",
    "UPDATE MESSAGES SET note = NULL",
    "INSERT INTO Messages (id, user_id, conversation_id, body) VALUES (90, 'ada', 1, 'x')",
    'SELECT "M".body FROM messages AS "M" JOIN messages AS m ON m.user_id = :user_id',
    'SELECT "M".body FROM messages AS m JOIN messages AS "M" ON M.user_id = :user_id',
    'WITH "Messages" AS (SELECT id, body FROM messages WHERE user_id = :user_id)'
    " SELECT id, body FROM Messages",
    "WITH mine AS (SELECT id FROM messages), messages AS"
    " (SELECT id FROM tasks WHERE user_id = :user_id) SELECT mine.id FROM mine, messages",
    "WITH messages AS (SELECT id, body FROM tasks, LATERAL (SELECT title AS body) AS t"
    " WHERE user_id = :user_id) SELECT id, body FROM public.messages",
    "SELECT m.body FROM messages AS m (user_id, owner) WHERE m.user_id = :id",
    'SELECT m."USER_ID" FROM messages AS m (id, "USER_ID", user_id) WHERE m.user_id = :id',
    "SELECT b FROM (SELECT id, body FROM messages) AS m (user_id, b) WHERE user_id = :id",
]
USING = [
    "SELECT m.body FROM messages AS m, conversations AS c JOIN tasks AS t USING (user_id)"
    " WHERE c.user_id = :user_id",
    "SELECT m.body FROM messages AS m, conversations AS c NATURAL JOIN"
    " (SELECT user_id FROM tasks) AS t WHERE c.user_id = :user_id",
    "SELECT m.body FROM messages AS m CROSS JOIN (conversations AS c JOIN tasks AS t"
    " USING (user_id)) WHERE c.user_id = :user_id",
    "DELETE FROM messages AS m USING conversations AS c JOIN tasks AS t USING (user_id)"
    " WHERE c.user_id = :user_id",
    "UPDATE messages AS m SET note = 'x' FROM conversations AS c JOIN tasks AS t USING (user_id)"
    " WHERE c.user_id = :user_id",
    "SELECT m.body FROM messages AS m JOIN tasks AS t USING (id) WHERE t.user_id = :user_id",
]
RELATIONS = [
    "SELECT body FROM apart.secrets",
    "SELECT body FROM apart.messages",
    "DELETE FROM apart.secrets",
    "UPDATE apart.messages SET body = 'x'",
    "INSERT INTO apart.secrets VALUES ('ada', 'x')",
    "SELECT m.body FROM messages AS m JOIN apart.messages AS a ON a.user_id = :user_id",
    "SELECT body FROM bodies",
    "SELECT body FROM owned",
    "TABLE messages",
    "SELECT body FROM ONLY messages",
    "SELECT body FROM messages TABLESAMPLE system (100)",
    "SELECT body FROM everything()",
    "SELECT e.body FROM ROWS FROM (everything()) AS e",
]
CASTS = [
    "SELECT body FROM messages WHERE user_id = :user_id::varchar(3)",
    "SELECT body FROM messages WHERE user_id = CAST(:user_id AS character varying (3))",
    "SELECT body FROM messages WHERE user_id = (:user_id::varchar(3))::text",
    "SELECT body FROM messages WHERE user_id = (SELECT :user_id::varchar(3))",
    "SELECT body FROM messages WHERE user_id = ANY (ARRAY[:user_id]::varchar(3)[])",
    "SELECT body FROM messages WHERE user_id = ANY (ARRAY[:user_id::varchar(3)])",
    "SELECT body FROM messages WHERE user_id::varchar(3) = left(:user_id, 3)",
    "SELECT body FROM messages WHERE user_id::varchar(1) = :user_id::varchar(1)",
    "SELECT body FROM messages WHERE user_id::char(3) = :user_id::char(3)",
    "SELECT m.body FROM messages AS m JOIN conversations AS c"
    " ON m.user_id = c.user_id::varchar(3) WHERE c.user_id = :user_id",
    "WITH me AS (SELECT :user_id::varchar(3) AS user_id)"
    " SELECT m.body FROM messages AS m JOIN me USING (user_id)",
    "INSERT INTO messages (id, user_id, conversation_id, body)"
    " VALUES (90, :user_id::varchar(3), 1, 'x')",
]
FUNCTIONS = [
    "SELECT word FROM ts_stat('SELECT to_tsvector(body) FROM messages')",
    "SELECT body_of(:id) AS body",
    "SELECT forget(:id) AS id",
    "SELECT t.bodies_of AS x FROM tasks AS t WHERE t.user_id = :user_id",
    "SELECT id FROM tasks WHERE user_id = :user_id AND body_of(id) LIKE '%ada says%'",
    "UPDATE tasks SET title = body_of(id) WHERE user_id = :user_id",
    "SELECT x.body FROM tasks AS t CROSS JOIN LATERAL body_of(t.id) AS x (body)"
    " WHERE t.user_id = :user_id",
]
CONDITIONS = [
    "SELECT body FROM messages WHERE user_id = :user_id OR :n > 0",
    "SELECT body FROM messages WHERE NOT user_id = :user_id",
    "SELECT body FROM messages WHERE (user_id = :user_id) IS NOT NULL",
    "SELECT body FROM messages WHERE (user_id = :user_id) = false",
    "SELECT body FROM messages WHERE user_id <= :user_id",
    "SELECT body FROM messages WHERE :user_id LIKE user_id || '%'",
    "SELECT body FROM messages WHERE user_id IN (:user_id, 'ada')",
    "SELECT body FROM messages WHERE user_id = ANY (ARRAY[:user_id, 'ada'])",
    "SELECT body FROM messages WHERE user_id = ALL (:user_ids)",
    "SELECT body FROM messages WHERE user_id = ANY (SELECT id FROM users)",
    "SELECT body FROM messages WHERE user_id = ANY (SELECT :user_id UNION SELECT 'ada')",
    "SELECT body FROM messages WHERE user_id = ANY (array_append(:user_ids, 'ada'))",
    "SELECT body FROM messages WHERE user_id = 'ada'",
    "SELECT body FROM messages WHERE user_id = coalesce(:text, :user_id) OR user_id = 'ada'",
    "SELECT body FROM messages WHERE user_id = CASE WHEN :n = 2 THEN 'ada' ELSE :user_id END",
    "SELECT body FROM messages WHERE (id, conversation_id) = (:id, :n) AND :user_id = :user_id",
    "SELECT body FROM messages WHERE EXISTS (SELECT FROM users WHERE id = :user_id)",
    "SELECT (SELECT string_agg(m.body, ',' ORDER BY m.id) FROM messages AS m WHERE m.id = t.id)"
    " AS x FROM tasks AS t WHERE user_id = :user_id",
    "SELECT id FROM tasks AS t WHERE user_id = :user_id"
    " AND EXISTS (SELECT FROM messages WHERE user_id = user_id AND note = 'ada')",
    "SELECT id FROM tasks WHERE user_id = :user_id ORDER BY (SELECT count(*) FROM messages)"
    " LIMIT (SELECT count(*) FROM messages WHERE body = 'ada says 1')",
    "SELECT count(*) FILTER (WHERE user_id = :user_id) AS n, min(body) AS m FROM messages",
    "SELECT min(body) AS m FROM messages GROUP BY user_id HAVING min(user_id) <= :user_id",
    "SELECT sum(count(*)) OVER () AS n FROM messages GROUP BY user_id",
]
JOINS = [
    "SELECT c.title FROM conversations AS c LEFT JOIN messages AS m ON m.user_id = :user_id",
    "SELECT c.title FROM conversations AS c LEFT JOIN messages AS m"
    " ON m.user_id = c.user_id AND c.user_id = :user_id",
    "SELECT c.title FROM messages AS m RIGHT JOIN conversations AS c ON m.user_id = :user_id",
    "SELECT c.title FROM messages AS m FULL JOIN conversations AS c"
    " ON m.user_id = c.user_id WHERE m.user_id = :user_id OR c.id > 1",
    "SELECT c.title FROM (messages AS m JOIN tasks AS t ON t.user_id = :user_id"
    " AND m.user_id = t.user_id) RIGHT JOIN conversations AS c ON c.id = m.id",
    "SELECT m.body FROM conversations AS c JOIN messages AS m ON m.conversation_id = c.id"
    " WHERE c.user_id = :user_id",
    "SELECT m.body FROM messages AS m JOIN (SELECT :user_id AS user_id UNION SELECT 'ada') AS u"
    " USING (user_id)",
    "SELECT m.body FROM messages AS m JOIN (VALUES (:user_id), ('ada')) AS u (user_id)"
    " USING (user_id)",
    "SELECT m.body FROM messages AS m JOIN unnest(ARRAY[:user_id, 'ada']) AS u (user_id)"
    " USING (user_id)",
    "WITH RECURSIVE u AS (SELECT :user_id::text AS user_id UNION SELECT 'ada' FROM u)"
    " SELECT m.body FROM messages AS m JOIN u USING (user_id)",
    "SELECT body FROM messages WHERE user_id = :user_id UNION SELECT body FROM messages",
    "SELECT body FROM messages EXCEPT SELECT body FROM messages WHERE user_id = :user_id",
    "SELECT m.body FROM messages AS m LEFT JOIN tasks AS t ON m.user_id = t.user_id"
    " WHERE t.user_id = :user_id OR t.user_id IS NULL OR m.id = 1",
]
WRITES = [
    # what is written to is a table, whatever WITH calls so
    "WITH tasks AS (SELECT :user_id::text AS user_id) UPDATE tasks SET title = 'x'",
    "WITH tasks AS (SELECT :user_id::text AS user_id) DELETE FROM tasks",
    "WITH tasks AS (SELECT :user_id::text AS user_id)"
    " INSERT INTO tasks (id, user_id) SELECT 90, 'ada'",
    "WITH tasks AS (SELECT :user_id::text AS user_id)"
    " UPDATE tasks AS t SET title = 'x' FROM tasks AS u WHERE u.user_id = :user_id",
    "UPDATE messages SET user_id = :user_id, id = id + 100 * length(user_id)",
    "UPDATE tasks SET user_id = 'ada', id = id + 50 WHERE user_id = :user_id",
    "DELETE FROM messages RETURNING body",
    "DELETE FROM conversations AS c USING messages AS m"
    " WHERE m.user_id = :user_id AND c.id = m.conversation_id",
    "WITH gone AS (DELETE FROM messages RETURNING user_id)"
    " SELECT user_id FROM gone WHERE user_id = :user_id",
    "INSERT INTO messages VALUES (90, 'ada', 1, 'x')",
    "INSERT INTO messages (id, user_id, conversation_id, body)"
    " VALUES (90, :user_id, 1, 'x'), (91, 'ada', 1, 'x')",
    "INSERT INTO messages (id, user_id, conversation_id, body)"
    " SELECT id + 90, user_id, conversation_id, body FROM messages",
    "INSERT INTO messages (id, user_id, conversation_id, body)"
    " SELECT id + 90 * length(user_id), :user_id, conversation_id, body FROM messages",
    "INSERT INTO messages (conversation_id, id, user_id, body)"
    " SELECT 1, 90, :user_id, 'x' UNION ALL SELECT 1, 91, 'ada', 'x'",
    "INSERT INTO tasks (id, user_id, code) VALUES (90, :user_id, 10)"
    " ON CONFLICT (code) DO UPDATE SET title = 'x'",
    "INSERT INTO tasks (id, user_id, code) VALUES (90, :user_id, 10)"
    " ON CONFLICT ON CONSTRAINT tasks_code_key DO UPDATE SET title = 'x'",
    "INSERT INTO Tasks AS t (id, User_Id, code) VALUES (90, :user_id, 10)"
    " ON CONFLICT (Code) DO UPDATE SET title = 'x' RETURNING t.title",
    "INSERT INTO tasks (id, user_id, code) VALUES (90, :user_id, 10)"
    " ON CONFLICT (code) DO UPDATE SET user_id = excluded.user_id, id = 91",
]
# What a name means: not what stands there, but what PostgreSQL sees from there.
SIGHT = [
    "SELECT x.n FROM (SELECT :user_id AS user_id) AS m, LATERAL (SELECT count(*) AS n"
    " FROM (messages AS m JOIN plans AS p ON true) AS j WHERE m.user_id = :user_id) AS x",
    "SELECT x.n FROM (VALUES ('ada')) AS c (user_id), LATERAL (SELECT count(*) AS n"
    " FROM conversations AS c, plans AS p JOIN plans AS q ON EXISTS"
    " (SELECT FROM messages AS m WHERE m.user_id = c.user_id) WHERE c.user_id = :user_id) AS x",
]
STARS = [
    "SELECT m.body FROM (VALUES ('ada')) AS k (z), LATERAL (SELECT k.*, :user_id::text AS one)"
    " AS q (p) JOIN messages AS m ON m.user_id = q.p",
    "SELECT m.body FROM (SELECT *, :user_id::text AS one FROM (SELECT 1 AS i, 'ada' AS k) AS a"
    " JOIN (SELECT 1 AS i) AS b USING (i)) AS q (x, p) JOIN messages AS m ON m.user_id = q.p",
    "SELECT m.body FROM (SELECT *, :user_id::text AS one, 'ada' AS two FROM (SELECT 1 AS i) AS a"
    " NATURAL JOIN (SELECT 1 AS i) AS b) AS q (x, p, r) JOIN messages AS m ON m.user_id = q.r",
    "SELECT m.body FROM (SELECT (b).*, :user_id::text AS one, 'ada' AS two FROM (SELECT 1 AS i)"
    " AS a, (SELECT 1 AS i) AS b) AS q (x, p, r) JOIN messages AS m ON m.user_id = q.r",
]
RETURNED = [
    "WITH w AS (UPDATE messages SET note = 'ada' WHERE user_id = :user_id AND note = :user_id"
    " RETURNING note) SELECT m.body FROM w JOIN messages AS m ON m.user_id = w.note",
    "WITH w AS (INSERT INTO messages (id, user_id, conversation_id, body, note) VALUES"
    " (2, :user_id, 1, 'x', :user_id) ON CONFLICT (user_id, id) DO UPDATE SET note = 'ada'"
    " RETURNING note) SELECT m.body FROM w JOIN messages AS m ON m.user_id = w.note",
]
LEAKS = NAMES + USING + RELATIONS + CASTS + FUNCTIONS + CONDITIONS + JOINS + WRITES
LEAKS += SIGHT + STARS + RETURNED

# These may as well, but not with these rows, not undone, or not on every server (XML).
UNSEEN = [
    "MERGE INTO messages AS m USING tasks AS t ON t.id = m.id AND t.user_id = :user_id"
    " WHEN MATCHED THEN DELETE",
    "CALL forget_all()",
    "SELECT count(*) AS n FROM kept",
    "SELECT body FROM messages WHERE user_id = :user_id::name",
    "SELECT body FROM messages WHERE user_id = :user_id::char(1)",
    "SELECT body FROM messages WHERE user_id = (@ id)::text",
    'UPDATE messages AS m SET user_id = DEFAULT FROM (SELECT :user_id::text AS "default") AS x'
    " WHERE m.user_id = :user_id",
    'SELECT m.body FROM messages AS m, (SELECT :user_id::text AS "user") AS q'
    " WHERE m.user_id = user",
    "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, plainto_tsquery(body)"
    " FROM messages')::text AS x",
    "WITH w AS (INSERT INTO tasks (id, user_id, title) VALUES (1, :user_id, :user_id)"
    " ON CONFLICT (user_id, id) DO UPDATE SET code = 99 RETURNING title)"
    " SELECT m.body FROM w JOIN messages AS m ON m.user_id = w.title",
    "SELECT body FROM messages WHERE user_id OPERATOR(pg_catalog.>=) :user_id",
    "SELECT query_to_xml('SELECT body FROM messages', true, true, '')::text AS x",
    "SELECT query_to_xml('SELECT body FROM ' || :text, true, true, '')::text AS x",
    "SELECT table_to_xml('messages', true, true, '')::text AS x",
    "SELECT database_to_xml(true, true, '')::text AS x",
    "SELECT schema_to_xml('public', true, true, '')::text AS x",
]

# What a user's own statements look like.
SAFE = [
    "SELECT id, body FROM Messages WHERE User_Id = :user_id",
    'SELECT "M".body FROM messages AS "M" WHERE "M".user_id = :user_id',
    "SELECT body FROM messages AS M WHERE m.User_ID = :user_id",
    'SELECT id, body FROM "Messages"',
    "SELECT body FROM messages WHERE user_id = :user_id::text",
    "SELECT body FROM messages WHERE user_id = (SELECT :user_id)",
    "SELECT body FROM messages WHERE user_id = ANY (ARRAY[:user_id])",
    "SELECT body FROM messages WHERE (user_id, id) = (:user_id, :id)",
    "SELECT body FROM messages WHERE :user_id = user_id AND (id = :id OR id = :n)",
    "SELECT m.body FROM messages AS m JOIN conversations AS c USING (user_id)"
    " WHERE c.user_id = :user_id",
    "SELECT m.body FROM messages AS m JOIN conversations AS c"
    " ON (c.user_id, c.id) = (m.user_id, m.conversation_id) WHERE m.user_id = :user_id",
    "SELECT c.title FROM conversations AS c LEFT JOIN messages AS m ON m.user_id = c.user_id"
    " WHERE c.user_id = :user_id",
    "WITH messages AS (SELECT id, body FROM messages WHERE user_id = :user_id)"
    " SELECT id, body FROM messages",
    "WITH mine AS (SELECT user_id FROM conversations WHERE user_id = :user_id)"
    " SELECT m.body FROM messages AS m JOIN Mine USING (user_id)",
    "SELECT id FROM tasks AS t WHERE user_id = :user_id"
    " AND EXISTS (SELECT FROM messages AS m WHERE m.user_id = t.user_id)",
    "DELETE FROM messages AS m USING conversations AS c"
    " WHERE m.user_id = :user_id AND c.user_id = m.user_id",
    "UPDATE messages SET note = :text WHERE user_id = :user_id AND id = :id",
    "INSERT INTO messages (id, user_id, conversation_id, body) VALUES (90, :user_id, 1, 'x')",
    "INSERT INTO tasks (id, user_id) VALUES (:id, :user_id)"
    " ON CONFLICT (User_Id, id) DO UPDATE SET title = 'x'",
    "SELECT a.body FROM apart.messages AS a WHERE a.user_id = :user_id",
    "SELECT name, price FROM plans",
    "SELECT c.name FROM cheap AS c JOIN cheaper USING (name)",
]


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
        connection.execute(ROWS.encode())
        yield connection


@pytest.mark.parametrize("sql", LEAKS, ids=str)
def test_a_leak_is_found(connection: psycopg.Connection, sql: str) -> None:
    [findings] = prove(connection, Draft(sql))
    assert kinds(findings) & OWNERS, shown(findings)


def test_each_leak_is_one(connection: psycopg.Connection, tmp_path: Path) -> None:
    witness = Witness(connection, tmp_path)
    tight = [sql for sql in LEAKS if not witness.leaks(sql)]
    assert not tight, "\n".join(tight)


def test_a_conflict_of_a_part_of_the_owners_name(empty_database: str, tmp_path: Path) -> None:
    sql = (
        "INSERT INTO apart.secrets (user_id, body) VALUES (:user_id, 'x')"
        " ON CONFLICT (left(user_id, 2)) DO UPDATE SET body = 'x'"
    )
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute((SCHEMA + ROWS).encode())
        connection.execute("DELETE FROM apart.secrets WHERE user_id = 'adam'")
        connection.execute("CREATE UNIQUE INDEX ON apart.secrets (left(user_id, 2))")
        assert Witness(connection, tmp_path).leaks(sql)
        [findings] = prove(connection, Draft(sql))
    assert kinds(findings) & OWNERS, shown(findings)


@pytest.mark.parametrize("sql", UNSEEN, ids=str)
def test_what_can_not_be_seen_to_leak_is_found(connection: psycopg.Connection, sql: str) -> None:
    if "MERGE" in sql and connection.info.server_version < 150000:
        pytest.skip("MERGE is of PostgreSQL 15 and later")
    [findings] = prove(connection, Draft(sql))
    assert kinds(findings) & OWNERS, shown(findings)


@pytest.mark.parametrize("sql", SAFE, ids=str)
def test_what_is_the_users_own_is_not_found(
    connection: psycopg.Connection, tmp_path: Path, sql: str
) -> None:
    assert not Witness(connection, tmp_path).leaks(sql)
    [findings] = prove(connection, Draft(sql))
    assert not kinds(findings) & (OWNERS | {"refused"}), shown(findings)
