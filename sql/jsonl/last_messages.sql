-- The time of the last message of each of the given conversations that has any.
-- Index: idx_messages_conversation_created (conversation_id, user_id, created_at DESC, id DESC),
--   one entry a conversation.
-- Locks: none; the conversations are locked already.
-- Waives optional-filter: the keys say which rows; a user's id only tells Citus the shard.
-- Waives nullable on user_id, id: the keys are given whole.
SELECT given.user_id, given.id, latest.created_at
FROM unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
CROSS JOIN LATERAL (
    SELECT m.created_at
    FROM messages AS m
    WHERE
        m.user_id = given.user_id AND m.conversation_id = given.id
        AND m.user_id = coalesce(:user_id::text, m.user_id)
    ORDER BY m.created_at DESC, m.id DESC
    LIMIT 1
) AS latest
ORDER BY given.user_id, given.id
