-- The tasks that a user is reminded of, the next first.
SELECT task_id
FROM reminders
WHERE user_id = :user_id
  AND remind_at >= :since    -- if :since
  AND sent_at IS NULL        -- if :unsent
ORDER BY remind_at, id
LIMIT 50;
