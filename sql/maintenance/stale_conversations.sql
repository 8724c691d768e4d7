-- A batch of active conversations that nobody has touched for a while, the longest untouched first,
-- after a place in that order.
-- Index: idx_conversations_updated_at (updated_at DESC, status), one range, read backwards.
-- Locks: none.
-- Waives owner-filter: archiving applies to all users' conversations.
-- Waives one-shard: where the tables are distributed, stale_conversations_of_shards.sql is sent.
-- Waives refused-by-citus: the same.
SELECT user_id, id, updated_at
FROM conversations
WHERE
    status = 'active'
    AND updated_at < now() - :older_than::interval
    -- Besides the comparison of all three columns: no index has the last two of them.
    AND updated_at >= (SELECT coalesce(:after_updated_at::timestamptz, '-infinity'))
    AND (updated_at, user_id, id) > (
        (SELECT coalesce(:after_updated_at::timestamptz, '-infinity')),
        (SELECT coalesce(:after_user_id::text, '')),
        (SELECT coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000'))
    )
ORDER BY updated_at, user_id, id
LIMIT (SELECT :batch::bigint)
