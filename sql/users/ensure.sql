-- The user of this id, made if there is none. It looks first, so that it works over an earlier
-- phase's table with required columns of its own, for users that exist there.
-- Index: the primary key of users.
-- Locks: none where the user exists; else the new row.
WITH stored AS (
    SELECT id, (to_jsonb(u) ->> 'created_at')::timestamptz AS created_at  -- as in get.sql
    FROM users AS u
    WHERE id = :user_id
), added AS (
    INSERT INTO users AS u (id)
    SELECT :user_id
    WHERE NOT EXISTS (SELECT FROM stored)
    -- Met only in a race. DO NOTHING would return no row there: the winner's is not in the
    -- statement's snapshot.
    ON CONFLICT (id) DO UPDATE SET id = u.id
    RETURNING u.id, (to_jsonb(u) ->> 'created_at')::timestamptz AS created_at
)
SELECT id, created_at
FROM stored
UNION ALL
SELECT id, created_at
FROM added
