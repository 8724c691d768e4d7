-- Makes a task, or returns the stored one where the id is repeated; `conflict` says that the
-- stored one has another title or description.
-- Index: tasks_pkey (user_id, id), the primary key of users.
-- Locks: the new row, and the user's row FOR KEY SHARE (its foreign key).
WITH stored AS (
    SELECT id, user_id, title, description, completed, completed_at, created_at, updated_at
    FROM tasks
    WHERE user_id = :user_id AND id = :id::uuid
), added AS (
    INSERT INTO tasks AS t (id, user_id, title, description)
    -- The owner comes from a table: where the tables are distributed (Citus), an INSERT that reads
    -- none of them is sent to every node.
    SELECT :id::uuid, u.id, :title::text, :description::text
    FROM users AS u
    WHERE u.id = :user_id AND NOT EXISTS (SELECT 1 FROM stored)
    -- Met only in a race. DO NOTHING would return no row there: the winner's is not in the
    -- statement's snapshot.
    ON CONFLICT (user_id, id) DO UPDATE SET title = t.title
    RETURNING
        t.id, t.user_id, t.title, t.description,
        t.completed, t.completed_at, t.created_at, t.updated_at
), task AS (
    SELECT * FROM stored
    UNION ALL
    SELECT * FROM added
)
SELECT
    id, user_id, title, description, completed, completed_at, created_at, updated_at,
    ((title, description) IS DISTINCT FROM (:title::text, :description::text)) AS conflict
FROM task
