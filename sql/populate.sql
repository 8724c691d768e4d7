-- Fills the empty database of a check, so that its tables look to the planner as a small service's
-- do. Without rows every plan is a sequential scan, which proves nothing.
--
-- Skewed as real ones are, by what leads plans astray: u1 owns every tenth conversation and task,
-- and one of its conversations has every seventh message, but none of the later ones, so that a
-- walk through all messages from the newest on meets those of others first.
--
-- The same rows each time, ids and times included, and in no table more than the 30,000 that
-- ANALYZE samples: so the statistics are the same too, and with them every plan.
--
-- Vacuumed, as a service's tables are: only then does the planner consider to answer from an index
-- alone, be it the wrong one.
--
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f sql/populate.sql

-- VACUUM takes no row for visible to all before its commit is on disk; elsewhere that may come
-- later than the commit.
SET synchronous_commit = on;

INSERT INTO users (id, created_at)
SELECT 'u' || n, '2025-01-01 00:00Z'
FROM generate_series(1, 20000) AS n;

INSERT INTO tasks (id, user_id, title, completed, completed_at, created_at, updated_at)
SELECT
    md5('task' || n)::uuid, 'u' || CASE WHEN n % 10 = 0 THEN 1 ELSE n % 2000 + 1 END,
    'Water the plants', n % 3 > 0, CASE WHEN n % 3 > 0 THEN made END, made, made
FROM
    generate_series(1, 10000) AS n,
    LATERAL (SELECT timestamptz '2025-01-01 00:00Z' + n * interval '1 minute' AS made) AS clock;

INSERT INTO conversations (id, user_id, status, created_at, updated_at)
SELECT
    md5('conversation' || n)::uuid, 'u' || CASE WHEN n % 10 = 0 THEN 1 ELSE n % 2000 + 1 END,
    CASE WHEN n % 19 = 0 THEN 'archived' ELSE 'active' END, made, made + interval '1 day'
FROM
    generate_series(0, 9999) AS n,
    LATERAL (SELECT timestamptz '2025-01-01 00:00Z' + n * interval '1 minute' AS made) AS clock;

INSERT INTO messages (id, conversation_id, user_id, role, content, created_at)
SELECT
    md5('message' || n)::uuid, c.id, c.user_id,
    CASE WHEN n % 2 = 0 THEN 'user' ELSE 'assistant' END, repeat('Buy milk. ', 10),
    timestamptz '2025-01-01 00:00Z' + n * interval '10 seconds'
FROM generate_series(1, 30000) AS n
JOIN conversations AS c
    ON c.id = md5('conversation' || CASE WHEN n <= 4500 THEN 0 ELSE n % 9999 + 1 END)::uuid
-- As they would have arrived: that rows lie in the order of time is what makes a walk by it cheap.
ORDER BY n;

VACUUM (ANALYZE) users, tasks, conversations, messages;
