-- Notes that a reminder was sent.
UPDATE reminders
SET sent_at = now()
WHERE user_id = :user_id AND id = :reminder_id AND sent_at IS NULL;
