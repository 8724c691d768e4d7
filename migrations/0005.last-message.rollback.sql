-- Takes the clock of the messages back to updated_at, which every append has moved along with it.
-- No message is lost. ACCESS EXCLUSIVE on conversations for a moment.

ALTER TABLE conversations DROP COLUMN IF EXISTS last_message_at;

COMMENT ON COLUMN messages.created_at IS
    'taken from conversations.updated_at under its row lock, so it strictly increases';
COMMENT ON COLUMN conversations.updated_at IS
    'recency, and the clock of the messages: must never be earlier than the newest of them';
