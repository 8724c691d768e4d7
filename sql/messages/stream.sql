-- A page of a conversation after a keyset cursor, oldest first.
-- Index: idx_messages_conversation_created (conversation_id, user_id, created_at DESC, id DESC),
--   one range, read backwards.
-- Locks: none.
SELECT id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at
FROM messages
WHERE
    -- As in history.sql; the other way round, because the index is read backwards.
    conversation_id = ANY (ARRAY[:conversation_id::uuid])
    AND user_id = :user_id
    -- Without a cursor the first page: the sentinels keep the comparison an index condition.
    AND (created_at, id) > (
        (SELECT coalesce(:after_time::timestamptz, '-infinity')),
        (SELECT coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000'))
    )
ORDER BY conversation_id DESC, created_at, id
LIMIT (SELECT :page_size::bigint)  -- as in history.sql
