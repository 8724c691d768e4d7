-- A batch of archived conversations that are due for a purge, the longest untouched first, after a
-- place in that order: archived long ago, and nothing was appended since.
-- Index: idx_conversations_updated_at (updated_at DESC, status), one range, read backwards; rows
--   in it that were archived only lately are passed over.
-- Locks: none.
-- Waives owner-filter: retention applies to all users' conversations.
-- Waives one-shard: where the tables are distributed, archived_conversations_of_shards.sql is sent.
-- Waives refused-by-citus: the same.
SELECT user_id, id, updated_at
FROM conversations
WHERE
    status = 'archived'
    AND updated_at < now() - :older_than::interval
    AND coalesce(archived_at, updated_at) < now() - :older_than::interval
    -- As in stale_conversations.sql.
    AND updated_at >= (SELECT coalesce(:after_updated_at::timestamptz, '-infinity'))
    AND (updated_at, user_id, id) > (
        (SELECT coalesce(:after_updated_at::timestamptz, '-infinity')),
        (SELECT coalesce(:after_user_id::text, '')),
        (SELECT coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000'))
    )
ORDER BY updated_at, user_id, id
LIMIT (SELECT :batch::bigint)
