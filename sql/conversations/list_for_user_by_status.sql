-- A page of a user's active or archived conversations, the most recent first, from a keyset
-- cursor on.
-- Index: idx_conversations_user_status (user_id, status, updated_at DESC, id DESC), one range.
-- Locks: none.
SELECT id, user_id, status, created_at, updated_at
FROM conversations
WHERE
    user_id = ANY (ARRAY[:user_id::text])  -- as in list_for_user.sql
    AND status = :status
    -- Redundant on purpose: the planner estimates few rows for this range and so picks
    -- idx_conversations_user_status.
    AND status BETWEEN (SELECT :status::text) AND (SELECT :status::text)
    -- Without a cursor the first page: the sentinels keep the comparison an index condition.
    AND (updated_at, id) < (
        (SELECT coalesce(:before_time::timestamptz, 'infinity')),
        (SELECT coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    )
ORDER BY user_id, updated_at DESC, id DESC
LIMIT (SELECT :limit::bigint)  -- as in list_for_user.sql
