-- The last messages of a conversation, or the page before a keyset cursor, newest first.
-- Index: idx_messages_conversation_created (conversation_id, user_id, created_at DESC, id DESC),
--   one range.
-- Locks: none.
SELECT id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at
FROM messages
WHERE
    -- An array, and an order that begins with the column: only an index that does so too can give
    -- that order. With = the planner drops the column from the order, and where there are few
    -- conversations it would walk idx_messages_created_at through other conversations' messages.
    conversation_id = ANY (ARRAY[:conversation_id::uuid])
    AND user_id = :user_id
    -- Without a cursor the first page: the sentinels keep the comparison an index condition.
    AND (created_at, id) < (
        (SELECT coalesce(:before_time::timestamptz, 'infinity')),
        (SELECT coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    )
ORDER BY conversation_id, created_at DESC, id DESC
-- The subselect hides the limit from the planner. If the planner expected fewer rows than that, a
-- custom plan would read and sort all of the conversation's rows.
LIMIT (SELECT :limit::bigint)
