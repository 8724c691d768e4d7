-- Writes the statements with which the time of a copy is measured: of a new table like another one,
-- with some of its rows, that is rolled back. Foreign keys are not checked in it.
-- No LIMIT: every shard would send that many rows.
--
-- Plain reads of the catalogue; nothing is locked.

SELECT
    format(
        'CREATE TABLE dal_sample (LIKE %s INCLUDING CONSTRAINTS INCLUDING INDEXES)', given.id
    ) AS make,
    format(
        'INSERT INTO dal_sample SELECT * FROM %s TABLESAMPLE SYSTEM (%s)',
        given.id, :percent::numeric
    ) AS fill,
    format(
        'SELECT create_distributed_table(''dal_sample'', %L, colocate_with => ''none'','
        ' shard_count => %s)', :owner::text, :shards::integer
    ) AS distribute
FROM (SELECT :table::oid::regclass AS id) AS given
