-- One conversation of a user.
-- Index: conversations_pkey (user_id, id).
-- Locks: none.
SELECT id, user_id, status, created_at, updated_at
FROM conversations
WHERE user_id = :user_id AND id = :conversation_id::uuid
