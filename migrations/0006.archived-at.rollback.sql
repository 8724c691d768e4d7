-- Forgets since when conversations are archived; their status stays. ACCESS EXCLUSIVE on
-- conversations for a moment.

ALTER TABLE conversations DROP COLUMN IF EXISTS archived_at;
