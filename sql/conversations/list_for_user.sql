-- A page of a user's conversations, the most recent first, from a keyset cursor on.
-- Index: idx_conversations_user_id (user_id, updated_at DESC, id DESC), one range.
-- Locks: none.
SELECT id, user_id, status, created_at, updated_at
FROM conversations
WHERE
    -- An array, and an order that begins with the column, as in messages/history.sql: with = and
    -- few users, the planner may walk idx_conversations_updated_at through other users' rows.
    user_id = ANY (ARRAY[:user_id::text])
    -- Without a cursor the first page: the sentinels keep the comparison an index condition.
    AND (updated_at, id) < (
        (SELECT coalesce(:before_time::timestamptz, 'infinity')),
        (SELECT coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    )
ORDER BY user_id, updated_at DESC, id DESC
-- The subselect hides the limit from the planner. If the planner expected fewer rows than that, a
-- custom plan would read and sort all of the user's rows.
LIMIT (SELECT :limit::bigint)
