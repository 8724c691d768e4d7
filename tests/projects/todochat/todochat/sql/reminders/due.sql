-- Whose reminders are due, the oldest first: a job sends them, for all users.
--
-- Waives owner-filter: the job works for every user, and each row says whose it is.
SELECT r.user_id, r.id, r.task_id, t.title, r.remind_at
FROM reminders AS r
JOIN tasks AS t ON t.user_id = r.user_id AND t.id = r.task_id
WHERE r.sent_at IS NULL AND r.remind_at <= now()
ORDER BY r.remind_at, r.id
LIMIT :limit;
