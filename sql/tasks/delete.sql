-- Deletes one task of a user.
-- Index: tasks_pkey (user_id, id).
-- Locks: the task's row.
DELETE FROM tasks
WHERE user_id = :user_id AND id = :task_id::uuid
