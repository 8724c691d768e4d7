-- One task of a user.
-- Index: tasks_pkey (user_id, id).
-- Locks: none.
SELECT id, user_id, title, description, completed, completed_at, created_at, updated_at
FROM tasks
WHERE user_id = :user_id AND id = :task_id::uuid
