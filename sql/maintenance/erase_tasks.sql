-- Deletes a batch of a user's tasks; how many.
-- Index: tasks_pkey (user_id, id), the first of the user's range.
-- Locks: the deleted rows.
WITH locked AS (
    SELECT user_id, id
    FROM tasks
    WHERE user_id = :user_id
    ORDER BY user_id, id
    LIMIT (SELECT :batch::bigint)
    FOR UPDATE
), erased AS (
    DELETE FROM tasks AS t
    USING locked
    -- Both columns from there, so that no plan reads the rest of what the user has.
    WHERE t.user_id = locked.user_id AND t.id = locked.id
    RETURNING 1
)
SELECT count(*) AS erased
FROM erased
