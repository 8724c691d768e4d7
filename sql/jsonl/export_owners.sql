-- A page of those who own tasks or conversations, from a user id on, in the order of the indexes.
-- Not from `users`, whose ids may be of another type or collation.
-- Index: conversations_pkey and one of tasks that begins with the owner, two entries an owner,
--   however many rows they have.
-- Locks: none.
-- Waives owner-filter: the export of everyone begins with who there is.
-- Waives one-shard: the export of everyone begins with who there is.
-- Waives refused-by-citus: export_owners_of_shards.sql is sent there instead.
WITH RECURSIVE owner (id, place) AS (
    SELECT
        least(
            (SELECT min(user_id) FROM conversations WHERE user_id >= :first::text),
            (SELECT min(user_id) FROM tasks WHERE user_id >= :first::text)
        ) AS id,
        1 AS place
    UNION ALL
    SELECT
        least(
            (SELECT min(user_id) FROM conversations WHERE user_id > owner.id),
            (SELECT min(user_id) FROM tasks WHERE user_id > owner.id)
        ) AS id,
        place + 1 AS place
    FROM owner
    WHERE owner.id IS NOT NULL AND place < :limit
)
SELECT id
FROM owner
WHERE id IS NOT NULL
ORDER BY place
