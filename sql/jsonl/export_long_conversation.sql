-- A page of a conversation after a keyset cursor, oldest first: as many messages as fit into
-- `bytes`, and one at least.
-- Index: idx_messages_conversation_created (conversation_id, user_id, created_at DESC, id DESC),
--   one range, read backwards.
-- Locks: none.
SELECT id, conversation_id, role, content, nullif(metadata, 'null')::text AS metadata, created_at
FROM (
    SELECT
        id, conversation_id, role, content, metadata, created_at,
        sum(octet_length(content) + coalesce(octet_length(metadata::text), 0)) OVER (
            ORDER BY conversation_id DESC, created_at, id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS bytes_before
    FROM messages
    WHERE
        -- As in messages/history.sql; the other way round, because the index is read backwards.
        conversation_id = ANY (ARRAY[:conversation_id::uuid])
        AND user_id = :user_id
        AND (created_at, id) > (
            coalesce(:after_time::timestamptz, '-infinity'),
            coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000')
        )
    ORDER BY conversation_id DESC, created_at, id
    LIMIT :limit
) AS page
WHERE coalesce(bytes_before, 0) < :bytes::bigint
ORDER BY conversation_id DESC, created_at, id
