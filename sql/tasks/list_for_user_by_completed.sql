-- A page of a user's open or completed tasks, newest first, from a keyset cursor on.
-- Index: idx_tasks_user_completed (user_id, completed, created_at DESC, id DESC), one range.
-- Locks: none.
SELECT id, user_id, title, description, completed, completed_at, created_at, updated_at
FROM tasks
WHERE
    user_id = :user_id
    -- Hidden from the planner, which else takes a boolean for a filter of idx_tasks_user_id.
    AND completed = (SELECT :completed::boolean)
    -- Without a cursor the first page: the sentinels keep the comparison an index condition.
    AND (created_at, id) < (
        (SELECT coalesce(:before_time::timestamptz, 'infinity')),
        (SELECT coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    )
ORDER BY created_at DESC, id DESC
LIMIT (SELECT :limit::bigint)  -- as in list_for_user.sql
