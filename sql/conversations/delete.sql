-- Deletes one conversation of a user; the foreign key takes its messages along.
-- Index: conversations_pkey (user_id, id); the cascade uses idx_messages_conversation_created.
-- Locks: the conversation's row and its messages; appends to it wait, and then find nothing.
DELETE FROM conversations
WHERE user_id = :user_id AND id = :conversation_id::uuid
