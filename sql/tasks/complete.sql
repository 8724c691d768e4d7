-- Marks a task as completed. One that is completed already keeps its times, so a repeat changes
-- nothing.
-- Index: tasks_pkey (user_id, id).
-- Locks: the task's row.
UPDATE tasks
SET
    completed = true,
    -- As a subselect: a distributed table (Citus) allows no now() inside CASE or coalesce.
    completed_at = coalesce(completed_at, (SELECT now())),
    updated_at = CASE WHEN completed THEN updated_at ELSE (SELECT now()) END
WHERE user_id = :user_id AND id = :task_id::uuid
RETURNING id, user_id, title, description, completed, completed_at, created_at, updated_at
