-- depends: 0005.last-message
--
-- conversations.archived_at: since when a conversation is put away, by which a purge goes.
--
-- status alone does not say it, and updated_at says something else: archiving does not move it, and
-- an archived conversation still takes messages. Set by archiving, kept where it is archived
-- already, cleared by restoring. NULL for what was archived before this migration, for which
-- updated_at stands in; so nothing is rewritten, and ADD COLUMN locks the table (ACCESS EXCLUSIVE)
-- for a moment, however large it is.
--
-- In no index: a purge walks the archived ones among idx_conversations_updated_at, and reads the
-- rows. An index of its own would cost an entry for each archiving and spare the purge the rows
-- that were untouched for long and archived only lately.

ALTER TABLE conversations ADD COLUMN IF NOT EXISTS archived_at timestamptz;

COMMENT ON COLUMN conversations.archived_at IS
    'since when it is archived; NULL if active, or archived before this column was there';
