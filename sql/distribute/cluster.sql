-- Why this cluster can't distribute tables now. It needs Citus.
--
-- Asks each worker for a setting; nothing is locked.

WITH coordinator AS (
    SELECT groupid = 0 AS here FROM pg_dist_local_group
)
SELECT
    'this is the address of a worker' AS problem,
    'set DATABASE_URL to the coordinator''s address' AS help
FROM coordinator
WHERE NOT here
UNION ALL
SELECT
    'no active node takes shards',
    'SELECT citus_add_node(''HOST'', PORT) for each worker'
FROM coordinator
WHERE
    here AND NOT EXISTS (
        SELECT FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary'
    )
UNION ALL
SELECT
    CASE
        WHEN success THEN format('max_prepared_transactions is 0 on %s:%s', nodename, nodeport)
        ELSE format('the worker %s:%s does not answer', nodename, nodeport)
    END,
    CASE
        WHEN success THEN 'set it to max_connections on each node, and restart them'
        ELSE 'start it, or remove it with citus_remove_node'
    END
FROM run_command_on_workers('SHOW max_prepared_transactions')
WHERE (SELECT here FROM coordinator) AND (NOT success OR result = '0')
