-- The given tasks of a user, in their order: as many as fit into `bytes`, and one at least.
-- Index: tasks_pkey (user_id, id), one entry a task.
-- Locks: none.
WITH task AS (
    SELECT
        given.place, t.*,
        sum(octet_length(t.description)) OVER (
            ORDER BY given.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS bytes_before
    FROM unnest(:task_ids::uuid[]) WITH ORDINALITY AS given (id, place)
    -- One look-up for each, as in messages/create_many.sql.
    CROSS JOIN LATERAL (
        SELECT id, user_id, title, description, completed, completed_at, created_at, updated_at
        FROM tasks
        WHERE user_id = :user_id AND id = given.id
        LIMIT 1
    ) AS t
)
SELECT id, user_id, title, description, completed, completed_at, created_at, updated_at
FROM task
WHERE coalesce(bytes_before, 0) < :bytes::bigint
ORDER BY place
