-- Writes the statements that distribute tables, in the order in which they are sent. Tables and
-- columns come as arrays of one length, each table after those that its foreign keys refer to.
--
--     lock   in one transaction; EXCLUSIVE lets only plain reads pass. A weaker lock would have to
--            be made stronger later, which ends in deadlocks with whoever waits by then
--     move   in the same one, between two counts of the rows
--     after  each in a transaction of its own. What the coordinator keeps of the rows is hidden, so
--            it can wait for the moment in which nobody reads
--
-- Plain reads of the catalogue; nothing is locked.

WITH given AS (
    SELECT place, id, id::regclass::text AS name, owner
    FROM unnest(:tables::oid[], :owners::text[]) WITH ORDINALITY AS given (id, owner, place)
), written (part, place, phase, statement) AS (
    SELECT
        1, 0, 'lock',
        format('LOCK TABLE %s IN EXCLUSIVE MODE', string_agg(name, ', ' ORDER BY place))
    FROM given
    UNION ALL
    SELECT
        2, place, 'move',
        CASE
            WHEN place = 1 THEN format(
                'SELECT create_distributed_table(%L, %L, colocate_with => ''none'','
                ' shard_count => %s)',
                name, owner, :shards::integer
            )
            ELSE format(
                'SELECT create_distributed_table(%L, %L, colocate_with => %L)',
                name, owner, (SELECT name FROM given WHERE place = 1)
            )
        END
    FROM given
    UNION ALL
    SELECT
        3, place, 'after',
        format('SELECT truncate_local_data_after_distributing_table(%L)', name)
    FROM given
    UNION ALL
    SELECT 4, 0, 'after', format('ANALYZE %s', string_agg(name, ', ' ORDER BY place))
    FROM given
)
SELECT phase, statement
FROM written
ORDER BY part, place
