-- Puts a conversation away; its recency stays.
-- Index: conversations_pkey (user_id, id).
-- Locks: the conversation's row; appends to it wait.
UPDATE conversations
SET status = 'archived'
WHERE user_id = :user_id AND id = :conversation_id::uuid
RETURNING id, user_id, status, created_at, updated_at
