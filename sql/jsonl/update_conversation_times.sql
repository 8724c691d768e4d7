-- Advances updated_at and last_message_at of stored conversations, whose rows are locked already,
-- to those that the appended messages give them.
-- Index: conversations_pkey (user_id, id).
-- Locks: the conversations' rows.
-- Waives one-shard: an import advances those of many users at once.
UPDATE conversations AS c
SET updated_at = given.updated_at, last_message_at = given.last_message_at
FROM unnest(
    :conversations_user_id::text[], :conversations_id::uuid[],
    :conversations_updated_at::timestamptz[], :conversations_last_message_at::timestamptz[]
) AS given (user_id, id, updated_at, last_message_at)
WHERE c.user_id = given.user_id AND c.id = given.id
