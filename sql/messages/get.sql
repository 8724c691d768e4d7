-- One message of a user.
-- Index: messages_pkey (user_id, id).
-- Locks: none.
SELECT id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at
FROM messages
WHERE user_id = :user_id AND id = :message_id::uuid
