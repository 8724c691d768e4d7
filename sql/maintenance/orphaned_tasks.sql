-- Tasks whose user does not exist, after a place in the order of keys. There are none
-- while the foreign key stands; a restore or a bulk load may have dropped it.
-- Index: tasks_pkey (user_id, id) in order; beside each task a look-up in the key of
--   users.
-- Locks: none.
-- Waives sort on tasks: it reads every row, once a month.
-- Waives seq-scan on users: the same, where all are compared at once.
-- Waives sort on users: the same.
-- Waives owner-filter: it checks all users' rows.
-- Waives one-shard: it checks all users' rows.
SELECT t.user_id, t.id
FROM tasks AS t
WHERE
    (t.user_id, t.id) > (
        (SELECT coalesce(:after_user_id::text, '')),
        (SELECT coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000'))
    )
    AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = t.user_id)
ORDER BY t.user_id, t.id
LIMIT :batch::bigint  -- over several shards Citus takes no subselect here
