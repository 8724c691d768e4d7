-- Changes a task's title, description and completion: a NULL title or :completed keeps the old
-- one; the description changes where :set_description says so, also to NULL. A task that is
-- completed already keeps the time of its completion.
-- Index: tasks_pkey (user_id, id).
-- Locks: the task's row.
UPDATE tasks
SET
    title = coalesce(:title::text, title),
    description = CASE WHEN :set_description::boolean THEN :description::text ELSE description END,
    completed = coalesce(:completed::boolean, completed),
    -- As in complete.sql.
    completed_at = CASE
        WHEN coalesce(:completed::boolean, completed) THEN coalesce(completed_at, (SELECT now()))
    END,
    updated_at = CASE
        WHEN
            :title::text IS NULL AND NOT :set_description::boolean
            AND coalesce(:completed::boolean, completed) = completed
            THEN updated_at
        ELSE (SELECT now())
    END
WHERE user_id = :user_id AND id = :task_id::uuid
RETURNING id, user_id, title, description, completed, completed_at, created_at, updated_at
