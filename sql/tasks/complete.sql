-- Marks a task as completed. One that is completed already keeps its times, so a repeat changes
-- nothing.
-- Index: tasks_pkey (user_id, id).
-- Locks: the task's row.
UPDATE tasks
SET
    completed = true,
    completed_at = coalesce(completed_at, clock.now),
    updated_at = CASE WHEN completed THEN updated_at ELSE clock.now END
-- The time comes from outside: a distributed table (Citus) allows no now() inside CASE.
FROM (SELECT now() AS now) AS clock
WHERE user_id = :user_id AND id = :task_id::uuid
RETURNING id, user_id, title, description, completed, completed_at, created_at, updated_at
