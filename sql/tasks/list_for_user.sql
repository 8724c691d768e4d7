-- A page of a user's tasks, newest first, from a keyset cursor on.
-- Index: idx_tasks_user_id (user_id, created_at DESC, id DESC), one range.
-- Locks: none.
SELECT id, user_id, title, description, completed, completed_at, created_at, updated_at
FROM tasks
WHERE
    user_id = :user_id
    -- Without a cursor the first page: the sentinels keep the comparison an index condition.
    AND (created_at, id) < (
        (SELECT coalesce(:before_time::timestamptz, 'infinity')),
        (SELECT coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    )
ORDER BY created_at DESC, id DESC
-- The subselect hides the limit from the planner. If the planner expected fewer rows than that, a
-- custom plan would read and sort all of the user's rows.
LIMIT (SELECT :limit::bigint)
