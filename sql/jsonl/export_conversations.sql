-- A page of a user's conversations after a keyset cursor, oldest first, each with the number and
-- the size of its messages: short ones are then read together, long ones in pages. One with more
-- than `long` messages is long, and the rest of it is not counted.
-- Index: conversations_pkey (user_id, id), the range of the user, sorted; for each conversation its
--   range of idx_messages_conversation_created.
-- Locks: none.
-- Waives sort on conversations: recency moves under an export, so its order is that of creation,
--   which no index has.
SELECT
    page.id, page.user_id, page.status, page.created_at, page.updated_at, held.messages, held.bytes
FROM (
    SELECT id, user_id, status, created_at, updated_at
    FROM conversations
    WHERE
        user_id = :user_id
        AND (created_at, id) > (
            coalesce(:after_time::timestamptz, '-infinity'),
            coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000')
        )
    ORDER BY created_at, id
    LIMIT :limit
) AS page
CROSS JOIN LATERAL (
    SELECT
        count(*) AS messages,
        coalesce(
            sum(octet_length(m.content) + coalesce(octet_length(m.metadata::text), 0)), 0
        )::bigint AS bytes
    FROM (
        SELECT content, metadata
        FROM messages
        WHERE user_id = page.user_id AND conversation_id = page.id
        LIMIT :long::int + 1
    ) AS m
) AS held
ORDER BY page.created_at, page.id
