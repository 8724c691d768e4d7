-- What export_owners.sql gives, where the tables are distributed: Citus can't go from one owner to
-- the next over all shards. Reads the entries of as many owners in each shard, so it is the dearer.
-- Index: conversations_pkey and one of tasks that begins with the owner, one range of each.
-- Locks: none.
-- Waives owner-filter: the export of everyone begins with who there is.
-- Waives one-shard: the same.
SELECT DISTINCT ON (id) id
FROM (
    (
        SELECT DISTINCT user_id AS id
        FROM conversations
        WHERE user_id >= :first::text
        ORDER BY user_id
        LIMIT :limit
    )
    UNION ALL
    (
        SELECT DISTINCT user_id AS id
        FROM tasks
        WHERE user_id >= :first::text
        ORDER BY user_id
        LIMIT :limit
    )
) AS owner
ORDER BY id
LIMIT :limit
