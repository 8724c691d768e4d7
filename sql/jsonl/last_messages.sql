-- The time of the last message of each of the given conversations that has any.
-- Index: conversations_pkey (user_id, id); idx_messages_conversation_created (conversation_id,
--   user_id, created_at DESC, id DESC), one entry a conversation.
-- Locks: none; the conversations are locked already.
SELECT c.user_id, c.id, latest.created_at
FROM unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
-- In between the conversation: distributed tables (Citus) can be joined with each other only.
JOIN conversations AS c ON c.user_id = given.user_id AND c.id = given.id
CROSS JOIN LATERAL (
    SELECT m.created_at
    FROM messages AS m
    WHERE m.user_id = c.user_id AND m.conversation_id = c.id
    ORDER BY m.created_at DESC, m.id DESC
    LIMIT 1
) AS latest
ORDER BY c.user_id, c.id
