-- The user of this id.
-- Index: the primary key of users.
-- Locks: none.
SELECT u.id, u.created_at
FROM (SELECT NULL::timestamptz AS created_at) AS absent
-- As in ensure.sql: the table's created_at, or NULL where an earlier phase's table has none.
CROSS JOIN LATERAL (
    SELECT users.id, created_at::timestamptz AS created_at
    FROM users
    WHERE users.id = :user_id
) AS u
