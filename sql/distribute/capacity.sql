-- In how many shards a new table will be, and on how many nodes. It needs Citus.
--
-- Plain reads of the catalogue; nothing is locked.

SELECT shards, least(shards, nodes) AS nodes
FROM (
    SELECT coalesce(:shards::integer, current_setting('citus.shard_count')::integer) AS shards
) AS wanted
CROSS JOIN (
    SELECT count(*) AS nodes
    FROM pg_dist_node
    WHERE isactive AND shouldhaveshards AND noderole = 'primary'
) AS there
