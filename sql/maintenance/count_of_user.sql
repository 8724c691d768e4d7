-- How many conversations and tasks a user has; messages are not counted. No row for an unknown
-- user.
-- Index: conversations_pkey and tasks_pkey (user_id, id), the user's ranges.
-- Locks: none.
SELECT
    (SELECT count(*) FROM conversations WHERE user_id = :user_id) AS conversations,
    (SELECT count(*) FROM tasks WHERE user_id = :user_id) AS tasks
FROM users
WHERE id = :user_id AND id::text COLLATE "C" = concat(:user_id)  -- as in users/get.sql
