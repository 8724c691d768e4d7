-- depends: 0004.messages
--
-- conversations.last_message_at: the clock of the messages, apart from recency.
--
-- Until here an append took its message's time from updated_at alone. But updated_at is a column
-- that others write: many shops put a BEFORE UPDATE trigger on every table that sets it to now() or
-- to the whole second. Then the messages of one transaction tied, an append whose transaction began
-- early went back in time, and a reader that follows created_at missed what came after. Now an
-- append sets both columns, under the conversation's row lock, to
--     greatest(now(), greatest(updated_at, last_message_at) + 1 microsecond)
-- and takes that for created_at. A trigger that rewrites updated_at shuffles the list of
-- conversations, as it is meant to, and no longer the messages.
--
-- It is also what tells an append from a change of recency: touch, restore and archive leave it.
--
-- NULL where no message came since this migration; greatest() passes over NULL, and updated_at is
-- not earlier than the messages from before. So nothing is rewritten or filled in: ADD COLUMN locks
-- the table (ACCESS EXCLUSIVE) for a moment, however large it is. In no index, so that a look-up
-- which asks for it reads the row.

ALTER TABLE conversations ADD COLUMN IF NOT EXISTS last_message_at timestamptz;

COMMENT ON COLUMN conversations.last_message_at IS
    'created_at of the newest message, and the clock of the next: set by every append';
COMMENT ON COLUMN messages.created_at IS
    'taken from conversations.last_message_at under its row lock, so it strictly increases';
COMMENT ON COLUMN conversations.updated_at IS
    'recency: moved by every message, touch and restore; never set it before the newest message';
