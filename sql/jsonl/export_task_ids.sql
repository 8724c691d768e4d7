-- A page of the ids of a user's tasks. Apart from the tasks, so that one which can't be read does
-- not hide the next.
-- Index: tasks_pkey (user_id, id), one range.
-- Locks: none.
SELECT id
FROM tasks
WHERE
    user_id = :user_id
    -- Without `after` the first page. Two conditions, so that an id of zeros is not passed over.
    AND id >= (SELECT coalesce(:after::uuid, '00000000-0000-0000-0000-000000000000'))
    AND id IS DISTINCT FROM :after::uuid
ORDER BY id
LIMIT (SELECT :limit::bigint)  -- as in tasks/list_for_user.sql
