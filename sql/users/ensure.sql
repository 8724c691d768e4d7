-- The user of this id, made if there is none. A user who exists is found before the INSERT, which
-- would fail in a table that was there before dal and has required columns of its own.
-- Index: the primary key of users.
-- Locks: none where the user exists; else the new row.
-- Waives nullable on id: where stored has none, a row is added.
-- Waives one-shard: no table has the id of a new user, so the coordinator sends it to one node.
WITH stored AS (  -- as in get.sql; one row, whether there is such a user or not
    SELECT
        u.id::text AS id,
        to_jsonb(u.created_at) #>> '{}' AS created_at,
        pg_typeof(u.created_at) IN (
            'timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype
        ) AS is_time
    FROM (SELECT NULL::timestamptz AS created_at) AS absent
    LEFT JOIN LATERAL (
        SELECT id, created_at
        FROM users
        WHERE id = :user_id AND id::text COLLATE "C" = concat(:user_id)
    ) AS u ON true
), added AS (
    INSERT INTO users AS u (id)
    SELECT :user_id
    -- The table again, not the CTE: an INSERT that reads a CTE alone is sent to every node where
    -- the table is distributed (Citus).
    WHERE NOT EXISTS (
        SELECT FROM users WHERE id = :user_id AND id::text COLLATE "C" = concat(:user_id)
    )
    -- Met in a race, where DO NOTHING would return no row: the winner's is not in the statement's
    -- snapshot. And met where the table takes the id of another user for equal to this one.
    ON CONFLICT (id) DO UPDATE SET id = u.id
    RETURNING u.id::text AS id, to_jsonb(u) ->> 'created_at' AS created_at
)
SELECT
    coalesce(stored.id, added.id) AS id,
    CASE
        WHEN stored.is_time THEN coalesce(stored.created_at, added.created_at)::timestamptz
    END AS created_at,
    coalesce(added.id COLLATE "C" <> concat(:user_id), false) AS conflict
FROM stored
LEFT JOIN added ON true
