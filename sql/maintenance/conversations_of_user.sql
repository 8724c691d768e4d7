-- A batch of a user's conversations, the first by their keys.
-- Index: conversations_pkey (user_id, id), the first of the user's range.
-- Locks: none.
SELECT user_id, id
FROM conversations
WHERE user_id = :user_id
ORDER BY user_id, id
LIMIT (SELECT :batch::bigint)
