-- How many messages a conversation has. It reads the conversation's whole range of the index.
-- Index: idx_messages_conversation_created (conversation_id, user_id, created_at DESC, id DESC),
--   index-only on a vacuumed table.
-- Locks: none.
SELECT count(*) AS messages
FROM messages
WHERE conversation_id = (SELECT :conversation_id::uuid) AND user_id = :user_id
