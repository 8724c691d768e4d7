-- Those of the given conversations that are stored, locked. Their last messages are read by a later
-- statement: the snapshot of this one is older than its wait for the lock.
-- Index: conversations_pkey (user_id, id).
-- Locks: the conversations' rows until the transaction ends, always in the same order, so that two
--   imports of the same conversations wait rather than deadlock; appends to them wait.
-- Waives optional-filter: the keys say which rows; a user's id only tells Citus the shard.
SELECT
    c.user_id, c.id, c.status, c.created_at, c.updated_at, c.last_message_at, c.archived_at
FROM unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
JOIN conversations AS c ON c.user_id = given.user_id AND c.id = given.id
WHERE c.user_id = coalesce(:user_id::text, c.user_id)
ORDER BY c.user_id, c.id
FOR NO KEY UPDATE OF c
