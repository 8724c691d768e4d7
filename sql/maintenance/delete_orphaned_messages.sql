-- Deletes those of the given messages whose conversation still does not exist.
-- Index: messages_pkey and conversations_pkey (user_id, id), a look-up for each.
-- Locks: the deleted rows.
-- Waives one-shard: a batch has messages of many users.
DELETE FROM messages AS m
USING unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
WHERE
    m.user_id = given.user_id AND m.id = given.id
    AND NOT EXISTS (
        SELECT FROM conversations AS c WHERE c.user_id = m.user_id AND c.id = m.conversation_id
    )
