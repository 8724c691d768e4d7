-- Writes the statements that bring distributed tables back to the coordinator, in the order in
-- which they are sent; distribute.sql explains the phases. Here reads wait as well, because Citus
-- makes new tables and drops the old ones. It takes along what is connected by foreign keys, and
-- loses every comment, dal's ownership comments among them, so these are written again (comment).
--
-- Plain reads of the catalogue; nothing is locked.

WITH RECURSIVE given AS (
    SELECT place, id, id::regclass::text AS name
    FROM unnest(:tables::oid[]) WITH ORDINALITY AS given (id, place)
), edge (own, other) AS (
    SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f'
    UNION
    SELECT confrelid, conrelid FROM pg_constraint WHERE contype = 'f'
), connected (place, id) AS (
    SELECT place, id FROM given
    UNION
    SELECT place, other
    FROM connected JOIN edge ON own = id
), taken_along (id) AS (
    SELECT given.id FROM given JOIN connected ON connected.id = given.id
    WHERE connected.place < given.place
), remark (place, number, statement) AS (
    SELECT
        place, objsubid,
        CASE objsubid
            WHEN 0 THEN format('COMMENT ON TABLE %s IS %L', name, description)
            ELSE format('COMMENT ON COLUMN %s.%I IS %L', name, attname, description)
        END
    FROM given
    JOIN pg_description ON objoid = id AND classoid = 'pg_class'::regclass
    LEFT JOIN pg_attribute ON attrelid = id AND attnum = objsubid
    UNION ALL
    SELECT place, 10001, format('COMMENT ON CONSTRAINT %I ON %s IS %L', conname, name, description)
    FROM given
    JOIN pg_constraint ON conrelid = id
    JOIN pg_description
        ON objoid = pg_constraint.oid AND classoid = 'pg_constraint'::regclass
    UNION ALL
    SELECT place, 10002, format('COMMENT ON INDEX %s IS %L', indexrelid::regclass, description)
    FROM given
    JOIN pg_index ON indrelid = id
    JOIN pg_description ON objoid = indexrelid AND classoid = 'pg_class'::regclass
), written (part, place, number, phase, statement) AS (
    -- Without it the next one would not reach the workers, where others may hold the shards.
    SELECT 1, 0, 0, 'lock', 'SET LOCAL citus.propagate_set_commands = ''local'''
    UNION ALL
    SELECT 2, 0, 0, 'lock', format('SET LOCAL lock_timeout = %L', :lock_timeout::text)
    UNION ALL
    SELECT
        3, 0, 0, 'lock',
        format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', string_agg(name, ', ' ORDER BY place))
    FROM given
    UNION ALL
    SELECT
        4, place, 0, 'move',
        format('SELECT undistribute_table(%L, cascade_via_foreign_keys => true)', name)
    FROM given
    WHERE id NOT IN (SELECT id FROM taken_along)
    UNION ALL
    SELECT 5, place, number, 'comment', statement FROM remark
    UNION ALL
    SELECT 6, 0, 0, 'after', format('ANALYZE %s', string_agg(name, ', ' ORDER BY place))
    FROM given
)
SELECT phase, statement
FROM written
ORDER BY part, place, number, statement COLLATE "C"
