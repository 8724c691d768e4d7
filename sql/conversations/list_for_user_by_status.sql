-- A page of a user's active or archived conversations, the most recent first, from a keyset
-- cursor on.
-- Index: idx_conversations_user_status (user_id, status DESC, updated_at DESC, id DESC), one range.
-- Locks: none.
SELECT id, user_id, status, created_at, updated_at
FROM conversations
WHERE
    user_id = ANY (ARRAY[:user_id::text])  -- as in list_for_user.sql
    -- Not = :status, but from the cursor on to the end of that status: in an order that no other
    -- index has. Else, where nearly all have the same status, the planner may walk
    -- idx_conversations_user_id past all the others of the user.
    AND status >= :status::text
    -- Without a cursor the first page: the sentinels keep the comparison an index condition.
    AND (status, updated_at, id) < (
        :status::text,
        (SELECT coalesce(:before_time::timestamptz, 'infinity')),
        (SELECT coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    )
ORDER BY user_id, status DESC, updated_at DESC, id DESC
LIMIT (SELECT :limit::bigint)  -- as in list_for_user.sql
