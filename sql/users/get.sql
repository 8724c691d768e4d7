-- The user of this id. A table that was there before dal may have a type or a collation that takes
-- other texts for equal, so what the index finds is compared again, byte by byte. concat() takes
-- the parameter as it came, where a cast would trim it for char(n).
-- Index: the primary key of users.
-- Locks: none.
SELECT
    u.id::text AS id,
    -- Through jsonb, so that it can be prepared whatever the type is. NULL if it is no time.
    CASE
        WHEN pg_typeof(u.created_at) IN (
            'timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype
        ) THEN (to_jsonb(u.created_at) #>> '{}')::timestamptz
    END AS created_at
-- A table that was there before dal may have no created_at. The inner created_at then resolves to
-- this NULL column.
FROM (SELECT NULL::timestamptz AS created_at) AS absent
CROSS JOIN LATERAL (
    SELECT id, created_at
    FROM users
    WHERE id = :user_id AND id::text COLLATE "C" = concat(:user_id)
) AS u
