-- The user of this id, made if there is none. It looks first, so that it works over an earlier
-- phase's table with required columns of its own, for users that exist there.
-- Index: the primary key of users.
-- Locks: none where the user exists; else the new row.
WITH stored AS (
    SELECT u.id, u.created_at
    FROM (SELECT NULL::timestamptz AS created_at) AS absent
    -- The inner created_at is the table's column, or where an earlier phase's table has none,
    -- the NULL from outside: the nearest scope that knows the name wins.
    CROSS JOIN LATERAL (
        SELECT users.id, created_at::timestamptz AS created_at
        FROM users
        WHERE users.id = :user_id
    ) AS u
), added AS (
    INSERT INTO users AS u (id)
    SELECT :user_id
    WHERE NOT EXISTS (SELECT FROM stored)
    -- Met only in a race. DO NOTHING would return no row there: the winner's is not in the
    -- statement's snapshot.
    ON CONFLICT (id) DO UPDATE SET id = u.id
    RETURNING u.id
)
SELECT stored.id, stored.created_at
FROM stored
UNION ALL
SELECT added.id, now() AS created_at
FROM added
