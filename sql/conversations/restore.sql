-- Makes a conversation active again and moves it to the front of its user's list: with its old
-- recency the next archiving of quiet conversations would take it again.
-- Index: conversations_pkey (user_id, id).
-- Locks: the conversation's row; appends to it wait.
UPDATE conversations
SET
    status = 'active',
    archived_at = NULL,
    -- Never backwards, as in touch.sql.
    updated_at = greatest(
        now(), (updated_at AT TIME ZONE 'UTC' + interval '1 microsecond') AT TIME ZONE 'UTC'
    )
WHERE user_id = :user_id AND id = :conversation_id::uuid
RETURNING id, user_id, status, created_at, updated_at
