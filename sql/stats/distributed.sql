-- The tables whose rows are spread over the nodes of a cluster: by which column, in how many
-- shards, on how many nodes.
-- Index: none of ours; Citus' own catalogue.
-- Locks: none.
-- Needs pg_dist_partition: without Citus nothing is distributed.
-- Waives nullable on owner: each such table has a column.
SELECT
    logicalrelid::text AS identifier,
    column_to_column_name(logicalrelid, partkey) AS owner,
    count(DISTINCT pg_dist_shard.shardid)::integer AS shards,
    count(DISTINCT groupid)::integer AS nodes
FROM pg_dist_partition
JOIN pg_dist_shard USING (logicalrelid)
JOIN pg_dist_placement ON pg_dist_placement.shardid = pg_dist_shard.shardid
WHERE partmethod = 'h'
GROUP BY logicalrelid, partkey
ORDER BY identifier
