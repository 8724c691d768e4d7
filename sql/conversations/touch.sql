-- Moves a conversation to the front of its user's list.
-- Index: conversations_pkey (user_id, id).
-- Locks: the conversation's row; appends to it wait.
UPDATE conversations
-- Never backwards, so that it is never earlier than the newest message. Via UTC because
-- timestamptz + interval is not immutable (Citus demands that).
SET updated_at = greatest(
    now(), (updated_at AT TIME ZONE 'UTC' + interval '1 microsecond') AT TIME ZONE 'UTC'
)
WHERE user_id = :user_id AND id = :conversation_id::uuid
RETURNING id, user_id, status, created_at, updated_at
