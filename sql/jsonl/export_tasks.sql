-- A page of a user's tasks after a keyset cursor, oldest first: as many as fit into `bytes`, and
-- one at least.
-- Index: idx_tasks_user_id (user_id, created_at DESC, id DESC), one range, read backwards.
-- Locks: none.
SELECT id, user_id, title, description, completed, completed_at, created_at, updated_at
FROM (
    SELECT
        id, user_id, title, description, completed, completed_at, created_at, updated_at,
        sum(octet_length(description)) OVER (
            ORDER BY created_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS bytes_before
    FROM tasks
    WHERE
        user_id = :user_id
        AND (created_at, id) > (
            coalesce(:after_time::timestamptz, '-infinity'),
            coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000')
        )
    ORDER BY created_at, id
    LIMIT (SELECT :limit::bigint)  -- as in tasks/list_for_user.sql
) AS page
WHERE coalesce(bytes_before, 0) < :bytes::bigint
ORDER BY created_at, id
