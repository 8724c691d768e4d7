-- The tables of the search path with their columns, out of which those with an owner are chosen.
-- yoyo's, and those of extensions, are left out.
--
-- Reads the catalogue; the size, indexes included, opens each table with ACCESS SHARE for a moment.

SELECT
    pg_class.oid::bigint AS id,
    pg_class.oid::regclass::text AS identifier,
    relname::text AS name,
    pg_total_relation_size(pg_class.oid) AS bytes,
    coalesce(starts_with(obj_description(pg_class.oid, 'pg_class'), 'dal '), false) AS is_dals,
    ARRAY(
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum
    ) AS columns,
    -- The tables that must be distributed first.
    ARRAY(
        SELECT DISTINCT confrelid::bigint FROM pg_constraint
        WHERE contype = 'f' AND conrelid = pg_class.oid AND confrelid <> conrelid
    ) AS needs
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE
    relkind IN ('r', 'p') AND relpersistence <> 't'
    AND nspname = ANY (current_schemas(false)) AND relname !~ '^_?yoyo_'
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'
    )
ORDER BY relname, nspname
