"""Statements, and what Citus makes of each of them where the tables are distributed.

Which that is, a test on a cluster sees (tests/distribute/test_statements.py). What follows `→` is
where the finding is.
"""

VALUES = {"user_id": "ada", "other_id": "bob", "user_ids": ["ada", "bob"], "title": "t", "limit": 5}
"""The values of their parameters, besides an id of a new row."""

# One shard's.
ONE = [
    "SELECT id FROM tasks WHERE user_id = :user_id",
    "SELECT id FROM tasks WHERE user_id = :user_id::text AND completed",
    "SELECT id FROM tasks WHERE user_id = ANY (ARRAY[:user_id::text])",
    "SELECT id FROM tasks WHERE user_id = 'ada'",
    "SELECT title FROM tasks WHERE (user_id, id) = (:user_id, :id::uuid)",
    "SELECT id FROM tasks WHERE user_id = coalesce(:user_id::text, user_id)",
    "SELECT m.id FROM conversations AS c JOIN messages AS m ON m.user_id = c.user_id"
    " WHERE c.user_id = :user_id",
    "SELECT m.id FROM conversations AS c JOIN messages AS m USING (user_id)"
    " WHERE user_id = :user_id",
    "SELECT m.id FROM users AS u LEFT JOIN tasks AS t ON t.user_id = u.id"
    " LEFT JOIN messages AS m ON m.user_id = t.user_id WHERE u.id = :user_id",
    "SELECT t.id FROM unnest(:user_ids::text[]) AS given (id)"
    " JOIN tasks AS t ON t.user_id = given.id WHERE t.user_id = :user_id",
    "SELECT id FROM tasks AS t WHERE user_id = :user_id"
    " AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = t.user_id)",
    "SELECT id FROM tasks AS t WHERE user_id = :user_id AND (completed OR EXISTS ("
    "SELECT FROM users AS u WHERE u.id = :user_id AND u.created_at = t.created_at))",
    "SELECT id, (SELECT count(*) FROM messages WHERE user_id = :user_id) FROM conversations"
    " WHERE user_id = :user_id",
    "SELECT c.id, m.id FROM conversations AS c CROSS JOIN LATERAL (SELECT id FROM messages"
    " WHERE user_id = :user_id AND conversation_id = c.id LIMIT 1) AS m WHERE c.user_id = :user_id",
    "WITH mine AS MATERIALIZED (SELECT id FROM users WHERE id = :user_id)"
    " SELECT t.id FROM mine JOIN tasks AS t ON t.user_id = mine.id WHERE mine.id = :user_id",
    "SELECT id FROM tasks WHERE user_id = :user_id UNION SELECT id FROM messages"
    " WHERE user_id = :user_id",
    "SELECT t.id FROM tasks AS t JOIN users AS u ON u.id = t.user_id WHERE u.id = :user_id"
    " FOR UPDATE SKIP LOCKED",
    "SELECT id FROM tasks WHERE user_id = :user_id LIMIT (SELECT :limit::bigint)",
    "WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < 3)"
    " SELECT id FROM tasks, n WHERE user_id = :user_id",
    "WITH mine AS (SELECT id FROM users WHERE id = :user_id) SELECT id FROM tasks"
    " WHERE user_id = :user_id AND EXISTS (SELECT FROM mine)",
    "UPDATE tasks SET title = :title WHERE user_id = :user_id",
    "UPDATE tasks AS t SET title = :title, user_id = t.user_id FROM users AS u"
    " WHERE u.id = t.user_id AND u.id = :user_id",
    "UPDATE tasks SET title = (SELECT id FROM users WHERE id = :user_id) WHERE user_id = :user_id",
    "DELETE FROM tasks AS t USING users AS u WHERE u.id = t.user_id AND u.id = :user_id",
    "INSERT INTO tasks (user_id, title) VALUES (:user_id, :title), (:user_id, 'b') RETURNING id",
    "INSERT INTO tasks AS t (user_id, id, title) VALUES (:user_id, :id::uuid, :title)"
    " ON CONFLICT (user_id, id) DO UPDATE SET title = excluded.title, user_id = t.user_id",
    "INSERT INTO tasks AS t (user_id, id, title) SELECT u.id, :id::uuid, :title::text"
    " FROM users AS u WHERE u.id = :user_id RETURNING t.id",
    "WITH moved AS (UPDATE users SET created_at = created_at WHERE id = :user_id RETURNING id)"
    ", added AS (INSERT INTO tasks AS t (user_id, id, title)"
    " SELECT u.id, :id::uuid, :title::text FROM moved JOIN users AS u ON u.id = moved.id"
    " WHERE u.id = :user_id RETURNING t.id) SELECT id FROM added",
    "WITH added AS (INSERT INTO tasks (user_id, title) VALUES (:user_id, :title) RETURNING id)"
    " SELECT id FROM added",
    "SELECT relname FROM pg_class WHERE relname = :title LIMIT (SELECT :limit::bigint)",
]

# Several shards'.
SEVERAL = [
    "SELECT id FROM →tasks",
    "SELECT id FROM →tasks WHERE user_id = (SELECT :user_id::text)",
    "SELECT id FROM →tasks WHERE user_id = ANY (:user_ids::text[])",
    "SELECT id FROM →tasks WHERE user_id = ANY (ARRAY[:user_id::text, :other_id])",
    "SELECT id FROM →tasks WHERE user_id IN (:user_id, :other_id)",
    "SELECT id FROM →tasks WHERE user_id::text = :user_id",
    "SELECT id FROM →tasks WHERE user_id = concat(:user_id::text)",
    "SELECT id FROM →tasks WHERE user_id = :user_id OR title = :title",
    "SELECT id FROM →tasks WHERE user_id > :user_id",
    "SELECT t.id FROM unnest(:user_ids::text[]) AS given (id)"
    " JOIN →tasks AS t ON t.user_id = given.id",
    "SELECT id FROM tasks WHERE user_id = :user_id"
    " UNION ALL SELECT id FROM →tasks WHERE user_id > :other_id",
    "SELECT id FROM tasks WHERE user_id = :user_id"
    " UNION ALL SELECT id FROM →tasks WHERE user_id = :other_id",
    "SELECT id, (SELECT count(*) FROM →messages AS m WHERE m.user_id = c.user_id)"
    " FROM conversations AS c WHERE user_id = :user_id",
    "SELECT id FROM tasks AS t WHERE user_id = :user_id AND (completed OR EXISTS ("
    "SELECT FROM →users AS u WHERE u.id = t.user_id))",
    "SELECT id FROM tasks AS t WHERE user_id = :user_id"
    " AND EXISTS (SELECT 1 FROM →users AS u WHERE u.id = t.user_id OFFSET 0)",
    "SELECT c.id, m.id FROM conversations AS c CROSS JOIN LATERAL (SELECT id FROM →messages AS m"
    " WHERE m.user_id = c.user_id LIMIT 1) AS m WHERE c.user_id = :user_id",
    "SELECT m.id FROM →conversations AS c LEFT JOIN →messages AS m"
    " ON m.user_id = c.user_id AND c.user_id = :user_id",
    "SELECT t.id FROM →messages AS m FULL JOIN →tasks AS t USING (user_id)"
    " WHERE user_id = :user_id",
    "WITH mine AS MATERIALIZED (SELECT id FROM users WHERE id = :user_id)"
    " SELECT t.id FROM mine JOIN →tasks AS t ON t.user_id = mine.id",
    "SELECT t.id FROM (SELECT id FROM users WHERE id = :user_id OFFSET 0) AS u"
    " JOIN →tasks AS t ON t.user_id = u.id",
    "SELECT id FROM →tasks LIMIT :limit",
    "UPDATE →tasks AS t SET title = :title FROM unnest(:user_ids::text[]) AS given (id)"
    " WHERE t.user_id = given.id",
    "DELETE FROM →tasks WHERE user_id = (SELECT :user_id::text)",
    "INSERT INTO →tasks (user_id, title) VALUES (:user_id, :title), (:other_id, :title)",
]

# Written by way of the coordinator, in a two-phase commit, on however many nodes.
TWO_PHASE = [
    "INSERT INTO →tasks (user_id, title) SELECT :user_id, :title",
    "INSERT INTO →tasks AS t (user_id, id, title) SELECT :user_id, :id::uuid, :title"
    " RETURNING t.id",
    "INSERT INTO →tasks (user_id, title) SELECT :user_id, given.title"
    " FROM unnest(ARRAY[:title::text]) AS given (title)",
    "INSERT INTO →tasks AS t (user_id, id, title) SELECT :user_id::varchar, :id::uuid,"
    " :title::text FROM users WHERE id = :user_id RETURNING t.id",
    "INSERT INTO →tasks AS t (user_id, id, title) SELECT u.id, gen_random_uuid(), :title::text"
    " FROM users AS u WHERE u.id = :user_id RETURNING t.id",
    "WITH added AS (INSERT INTO →tasks AS t (user_id, title) SELECT u.id, :title::text"
    " FROM users AS u WHERE u.id = :user_id RETURNING t.id) SELECT id FROM added",
    "WITH moved AS (UPDATE users SET created_at = created_at WHERE id = :user_id RETURNING id)"
    ", added AS (INSERT INTO →tasks AS t (user_id, id, title) SELECT moved.id, :id::uuid,"
    " :title::text FROM moved RETURNING t.id) SELECT id FROM added",
]

# Refused.
REFUSED = [
    "SELECT id FROM tasks →FOR UPDATE",
    "SELECT id FROM tasks WHERE title = :title ORDER BY id LIMIT 5 →FOR NO KEY UPDATE SKIP LOCKED",
    "SELECT t.id FROM unnest(:user_ids::text[]) AS given (id)"
    " JOIN tasks AS t ON t.user_id = given.id →FOR SHARE OF t",
    "SELECT count(*) FROM (SELECT id FROM tasks →FOR UPDATE) AS locked",
    "SELECT id FROM (SELECT id FROM tasks) AS t →FOR UPDATE",
    "SELECT id FROM tasks ORDER BY id →LIMIT (SELECT :limit::bigint)",
    "SELECT id FROM tasks →LIMIT (SELECT :limit::bigint)",
    "SELECT id FROM tasks LIMIT 5 →OFFSET (SELECT :limit::bigint)",
    "SELECT count(*) FROM (SELECT id FROM tasks →LIMIT (SELECT :limit::bigint)) AS page",
    "WITH →RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < 3)"
    " SELECT id FROM tasks, n",
    "WITH mine AS (SELECT id FROM users WHERE id = :user_id) SELECT id FROM tasks"
    " WHERE EXISTS (→SELECT FROM mine)",
    "SELECT id FROM tasks WHERE EXISTS (→SELECT FROM users WHERE id = :user_id)",
    "SELECT id FROM tasks WHERE user_id = :user_id"
    " AND EXISTS (→SELECT FROM pg_class WHERE relname = :title)",
    "SELECT given.id FROM unnest(:user_ids::text[]) AS given (id)"
    " WHERE NOT EXISTS (SELECT FROM →users AS u WHERE u.id = given.id)",
    "SELECT given.id, t.id FROM unnest(:user_ids::text[]) AS given (id) CROSS JOIN LATERAL ("
    "SELECT id FROM →tasks AS t WHERE t.user_id = given.id LIMIT 1) AS t",
    "INSERT INTO tasks (user_id, title) VALUES (:user_id, (→SELECT :title::text))",
    "INSERT INTO tasks (user_id, title) VALUES (:user_id, :title)"
    " RETURNING (→SELECT count(*) FROM users WHERE id = :user_id)",
    "INSERT INTO tasks AS t (user_id, id, title) VALUES (:user_id, :id::uuid, :title)"
    " ON CONFLICT (user_id, id) DO UPDATE SET title = (→SELECT id FROM users WHERE id = :user_id)",
    "INSERT INTO →tasks (title) VALUES (:title)",
    "INSERT INTO →tasks DEFAULT VALUES",
    "INSERT INTO →tasks (user_id, id, title) SELECT u.id, :id::uuid, :title::text"
    " FROM users AS u WHERE u.id = :user_id RETURNING id",
    "INSERT INTO tasks AS t (user_id, id, title) SELECT u.id, :id::uuid, :title::text"
    " FROM users AS u WHERE u.id = :user_id RETURNING (→SELECT count(*) FROM users)",
    "UPDATE tasks SET →user_id = :user_id WHERE user_id = :user_id",
    "INSERT INTO tasks AS t (user_id, id, title) VALUES (:user_id, :id::uuid, :title)"
    " ON CONFLICT (user_id, id) DO UPDATE SET →user_id = :user_id",
]

# Like those which are refused, and run.
RUN = [
    "WITH every AS MATERIALIZED (SELECT id FROM tasks)"
    " SELECT id FROM every LIMIT (SELECT :limit::bigint)",
    "SELECT id FROM tasks UNION ALL SELECT id FROM messages LIMIT (SELECT :limit::bigint)",
    "SELECT id FROM users WHERE EXISTS ("
    "SELECT 1 FROM tasks WHERE user_id = :user_id LIMIT (SELECT :limit::bigint))",
    "WITH mine AS MATERIALIZED (SELECT id FROM tasks WHERE user_id = :user_id FOR UPDATE)"
    " SELECT count(*) FROM mine, users",
    "WITH every AS MATERIALIZED (SELECT id FROM users) SELECT EXISTS (SELECT FROM every)",
    "SELECT id FROM tasks AS t WHERE EXISTS (SELECT FROM users AS u WHERE u.id = t.user_id)",
    "SELECT id FROM tasks LIMIT coalesce(:limit::bigint, 1)",
    "INSERT INTO tasks (user_id, title) SELECT :user_id, (SELECT :title::text) RETURNING id",
    "INSERT INTO tasks AS t (user_id, id, title) SELECT u.id, :id::uuid, :title::text"
    " FROM users AS u WHERE u.id = :user_id RETURNING (SELECT 1)",
    "UPDATE tasks SET title = (SELECT :title::text) WHERE completed RETURNING (SELECT 1)",
]
