-- Drops all reminders.

DROP TABLE reminders;
