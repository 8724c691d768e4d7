-- Reminds a user of a task.
INSERT INTO reminders (user_id, task_id, remind_at)
VALUES (:user_id, :task_id, :remind_at)
RETURNING id;
