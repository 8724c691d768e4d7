-- Deletes all that a user has here, and leaves the user's row. No row comes back for an unknown
-- user. Messages are deleted by their owner in one range; the cascade from conversations then
-- finds only what was committed meanwhile.
-- Index: the primary keys, by their prefix user_id.
-- Locks: the deleted rows; an append under way is waited for and deleted with its conversation.
WITH erased_messages AS (
    DELETE FROM messages
    WHERE user_id = :user_id
    RETURNING 1
), erased_conversations AS (
    DELETE FROM conversations
    WHERE user_id = :user_id
    RETURNING 1
), erased_tasks AS (
    DELETE FROM tasks
    WHERE user_id = :user_id
    RETURNING 1
)
SELECT
    (SELECT count(*) FROM erased_conversations) AS conversations,
    (SELECT count(*) FROM erased_messages) AS messages,
    (SELECT count(*) FROM erased_tasks) AS tasks
FROM users
WHERE id = :user_id AND id::text COLLATE "C" = concat(:user_id)  -- as in get.sql
