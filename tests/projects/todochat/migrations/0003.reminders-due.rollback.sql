-- Takes the index away; the job reads the whole table then.

DROP INDEX CONCURRENTLY IF EXISTS idx_reminders_due;
