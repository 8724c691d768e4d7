-- transactional: false
--
-- The reminders that are due, which the job asks for every minute, across all users.

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_reminders_due ON reminders (remind_at, id)
WHERE sent_at IS NULL;
