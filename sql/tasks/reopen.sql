-- Marks a task as not completed. An open one keeps its times, so a repeat changes nothing.
-- Index: tasks_pkey (user_id, id).
-- Locks: the task's row.
UPDATE tasks
SET
    completed = false,
    completed_at = NULL,
    -- As in complete.sql.
    updated_at = CASE WHEN completed THEN (SELECT now()) ELSE updated_at END
WHERE user_id = :user_id AND id = :task_id::uuid
RETURNING id, user_id, title, description, completed, completed_at, created_at, updated_at
