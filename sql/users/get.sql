-- The user of this id.
-- Index: the primary key of users.
-- Locks: none.
SELECT
    id,
    -- By way of jsonb, because an earlier phase's table may have no such column: then NULL.
    (to_jsonb(u) ->> 'created_at')::timestamptz AS created_at
FROM users AS u
WHERE id = :user_id
