-- A page of a user's conversations, in the order of their ids: recency moves under an export, and
-- the order of creation is no index's. Where one of its times is none that Python has, all of a
-- conversation's are NULL, so that the rows beside it can be read.
-- Index: conversations_pkey (user_id, id), one range.
-- Locks: none.
SELECT
    id, user_id, status,
    CASE WHEN readable THEN created_at END AS created_at,
    CASE WHEN readable THEN updated_at END AS updated_at,
    CASE WHEN readable THEN archived_at END AS archived_at
FROM (
    SELECT
        id, user_id, status, created_at, updated_at, archived_at,
        least(created_at, updated_at, archived_at) >= '0001-01-01Z'
        AND greatest(created_at, updated_at, archived_at) <= '9999-12-31 23:59:59.999999Z'
            AS readable
    FROM conversations
    WHERE
        user_id = :user_id
        -- As in export_task_ids.sql.
        AND id >= (SELECT coalesce(:after::uuid, '00000000-0000-0000-0000-000000000000'))
        AND id IS DISTINCT FROM :after::uuid
    ORDER BY id
    LIMIT (SELECT :limit::bigint)  -- as in tasks/list_for_user.sql
) AS page
ORDER BY id
