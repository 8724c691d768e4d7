-- The sizes of distributed tables on all nodes, indexes included. It needs Citus.
--
-- Asks each node; ACCESS SHARE on the tables.

SELECT citus_total_relation_size(id::regclass) AS bytes
FROM unnest(:tables::oid[]) WITH ORDINALITY AS given (id, place)
ORDER BY place
