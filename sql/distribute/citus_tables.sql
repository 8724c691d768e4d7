-- The tables that are distributed already: by which column, with which others, in how many shards
-- on how many nodes, and how many bytes of theirs were left on the coordinator. It needs Citus.
-- owner is NULL where rows are not distributed by a column, as in a reference table.
--
-- Reads the catalogue; the bytes open each table with ACCESS SHARE for a moment.

SELECT
    logicalrelid::oid::bigint AS id,
    logicalrelid::text AS identifier,
    column_to_column_name(logicalrelid, partkey) AS owner,
    colocationid AS colocation,
    count(DISTINCT shardid) AS shards,
    count(DISTINCT groupid) AS nodes,
    coalesce(pg_relation_size(logicalrelid), 0) AS left_bytes
FROM pg_dist_partition
JOIN pg_dist_shard USING (logicalrelid)
JOIN pg_dist_placement USING (shardid)
GROUP BY logicalrelid, partkey, colocationid
ORDER BY logicalrelid::text
