-- One conversation of a user with its last messages, oldest of these first: a row a message, the
-- conversation's own columns in each; one row of NULLs beside them where there is no message.
-- Index: conversations_pkey (user_id, id); idx_messages_conversation_created
--   (conversation_id, user_id, created_at DESC, id DESC), one range.
-- Locks: none.
SELECT
    c.id, c.user_id, c.status, c.created_at, c.updated_at,
    m.id AS "messages.id",
    m.conversation_id AS "messages.conversation_id",
    m.user_id AS "messages.user_id",
    m.role AS "messages.role",
    m.content AS "messages.content",
    m.metadata AS "messages.metadata",
    m.created_at AS "messages.created_at"
FROM conversations AS c
LEFT JOIN (
    SELECT id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at
    FROM messages
    -- As in messages/history.sql.
    WHERE
        conversation_id = ANY (ARRAY[:conversation_id::uuid])
        AND user_id = :user_id
        -- Always true, which the planner does not see: an index condition, which makes the index
        -- that has this order the cheapest one, also where a sort seems to cost little.
        AND (created_at, id) < (
            (SELECT 'infinity'::timestamptz), (SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
        )
    ORDER BY conversation_id, created_at DESC, id DESC
    LIMIT (SELECT :limit::bigint)
) AS m ON m.conversation_id = c.id
WHERE c.user_id = :user_id AND c.id = :conversation_id::uuid
ORDER BY m.created_at, m.id
