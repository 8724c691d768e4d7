-- All messages of some conversations of a user, each conversation's in chronological order.
-- Index: idx_messages_conversation_created (conversation_id, user_id, created_at DESC, id DESC),
--   one range a conversation.
-- Locks: none.
-- Waives sort on messages: the caller asks for few, and each conversation is a range in order.
SELECT id, conversation_id, role, content, nullif(metadata, 'null')::text AS metadata, created_at
FROM messages
WHERE user_id = :user_id AND conversation_id = ANY(:conversation_ids::uuid[])
ORDER BY conversation_id, created_at, id
