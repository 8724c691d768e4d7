-- Deletes the given conversations, and with them, by the foreign key, their messages; the caller
-- gives those of one user. A statement apart from the one that finds them: not knowing the size of
-- a batch, the planner would expect so many rows that it would read the whole table.
-- Index: conversations_pkey (user_id, id), a look-up for each; the cascade uses
--   idx_messages_conversation_created.
-- Locks: the deleted rows, in the order given. An append under way is waited for, and deleted with
--   its conversation.
-- Waives one-shard: the keys are one user's, but the planner sees them as any.
DELETE FROM conversations AS c
USING unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
WHERE c.user_id = given.user_id AND c.id = given.id
