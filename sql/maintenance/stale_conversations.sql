-- A batch of active conversations that nobody has touched for a while, the longest untouched first,
-- after a place in that order.
-- Index: idx_conversations_updated_at (updated_at DESC, status), one range, read backwards.
-- Locks: none.
-- Waives owner-filter: a service archives what is quiet, whoever's it is.
SELECT user_id, id, updated_at
FROM conversations
WHERE
    status = 'active'
    AND updated_at < now() - :older_than::interval
    -- Apart from the comparison of the three, of which no index knows the last two.
    AND updated_at >= (SELECT coalesce(:after_updated_at::timestamptz, '-infinity'))
    AND (updated_at, user_id, id) > (
        (SELECT coalesce(:after_updated_at::timestamptz, '-infinity')),
        (SELECT coalesce(:after_user_id::text, '')),
        (SELECT coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000'))
    )
ORDER BY updated_at, user_id, id
LIMIT (SELECT :batch::bigint)
