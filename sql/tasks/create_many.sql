-- Makes a batch of tasks, or returns those that are stored already, in the order given.
-- `conflict` says that a stored one has another title or description; then none is made. Times are
-- a microsecond apart, so that the list keeps the batch's order.
-- Index: tasks_pkey (user_id, id), the primary key of users.
-- Locks: the new rows, and the user's row FOR KEY SHARE (their foreign key).
-- Waives nullable on user_id, title, completed, created_at, updated_at, conflict: a row that has
-- an id is a task, stored or added.
WITH batch AS (
    SELECT id::uuid, title, description, place
    FROM unnest(:tasks_id::text[], :tasks_title::text[], :tasks_description::text[])
        WITH ORDINALITY AS given (id, title, description, place)
), stored AS (
    SELECT
        t.*,
        (
            (t.title, t.description) IS DISTINCT FROM (batch.title, batch.description)
        ) AS conflict
    FROM batch
    -- One look-up for each: a join, or id = ANY(...), may read all the user's tasks instead.
    CROSS JOIN LATERAL (
        SELECT id, user_id, title, description, completed, completed_at, created_at, updated_at
        FROM tasks
        WHERE user_id = :user_id AND id = batch.id
        LIMIT 1
    ) AS t
), added AS (
    INSERT INTO tasks AS t (id, user_id, title, description, created_at, updated_at)
    SELECT
        batch.id, u.id, batch.title, batch.description,
        now() + batch.place * interval '1 microsecond',
        now() + batch.place * interval '1 microsecond'
    -- The owner comes from a table, as in create.sql.
    FROM users AS u
    CROSS JOIN batch
    WHERE
        u.id = :user_id
        AND batch.id NOT IN (SELECT stored.id FROM stored)
        AND NOT EXISTS (SELECT 1 FROM stored WHERE stored.conflict)
    -- Met only in a race, as in create.sql. Where the winner's task differs, a division by zero
    -- undoes the whole batch: plain SQL has no other way to raise an error.
    ON CONFLICT (user_id, id) DO UPDATE SET title = left(
        t.title,
        255 / (
            (t.title, t.description) IS NOT DISTINCT FROM (excluded.title, excluded.description)
        )::integer
    )
    RETURNING
        t.id, t.user_id, t.title, t.description,
        t.completed, t.completed_at, t.created_at, t.updated_at
), task AS (
    SELECT * FROM stored
    UNION ALL
    SELECT *, false AS conflict FROM added
), placed AS (
    SELECT batch.place, task.*
    FROM batch
    FULL JOIN task ON task.id = batch.id  -- as in messages/create_many.sql
    OFFSET 0
)
SELECT
    id, user_id, title, description, completed, completed_at, created_at, updated_at, conflict
FROM placed
WHERE id IS NOT NULL
ORDER BY place
