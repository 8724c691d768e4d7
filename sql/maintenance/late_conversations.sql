-- Conversations whose updated_at or last_message_at is before their newest message, from a place in
-- the order of keys on. Only a writer other than dal can cause this. The next message could then
-- get an earlier time than one that is stored already.
-- Index: conversations_pkey (user_id, id) in order; for each conversation one entry of
--   idx_messages_conversation_created.
-- Locks: none.
-- Waives owner-filter: it checks all users' rows.
-- Waives one-shard: it checks all users' rows.
SELECT c.user_id, c.id
FROM conversations AS c
CROSS JOIN LATERAL (
    SELECT m.created_at
    FROM messages AS m
    WHERE m.conversation_id = ANY (ARRAY[c.id]) AND m.user_id = c.user_id
    ORDER BY m.conversation_id, m.created_at DESC, m.id DESC
    LIMIT 1
) AS newest
WHERE
    (c.user_id, c.id) > (
        (SELECT coalesce(:after_user_id::text, '')),
        (SELECT coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000'))
    )
    AND (newest.created_at > c.updated_at OR newest.created_at > c.last_message_at)
ORDER BY c.user_id, c.id
LIMIT :batch::bigint  -- over several shards Citus takes no subselect here
