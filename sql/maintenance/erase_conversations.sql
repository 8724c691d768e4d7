-- Deletes a batch of a user's conversations, and with them, by the foreign key, their messages; how
-- many conversations.
-- Index: conversations_pkey (user_id, id), the first of the user's range; the cascade uses
--   idx_messages_conversation_created.
-- Locks: the deleted rows. An append under way is waited for, and deleted with its conversation.
WITH locked AS (
    SELECT user_id, id
    FROM conversations
    WHERE user_id = :user_id
    ORDER BY user_id, id
    LIMIT (SELECT :batch::bigint)
    FOR UPDATE
), erased AS (
    DELETE FROM conversations AS c
    USING locked
    -- Both columns from there, so that no plan reads the rest of what the user has.
    WHERE c.user_id = locked.user_id AND c.id = locked.id
    RETURNING 1
)
SELECT count(*) AS erased
FROM erased
