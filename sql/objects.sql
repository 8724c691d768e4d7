-- Every table, column, constraint, index and comment of the database, one a row, so that two
-- schemas can be compared by their text; `dal mark` and the tests do. yoyo's own tables are left
-- out.
--
-- Plain reads of the catalogue; nothing is locked. Names are written as the search_path has them.

WITH relation AS (
    SELECT oid, relkind, relnamespace::regnamespace::text AS schema, relname::text AS name
    FROM pg_class
    WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
      AND relname !~ '^_?yoyo_'
      AND relkind NOT IN ('i', 'I')  -- they stand with their tables
), part (schema, name, position, kind, definition) AS (
    SELECT schema, name, 0, 'relation', relkind::text FROM relation
    UNION ALL
    SELECT schema, name, attnum, 'column', concat_ws(
        ' ', attname, format_type(atttypid, atttypmod),
        CASE WHEN attnotnull THEN 'NOT NULL' END,
        'DEFAULT ' || pg_get_expr(adbin, adrelid))
    FROM relation
    JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL
    SELECT schema, name, 10001, 'constraint',
        conname || ' ' || pg_get_constraintdef(pg_constraint.oid, true)
    FROM relation JOIN pg_constraint ON conrelid = relation.oid
    WHERE contype <> 'n'  -- PostgreSQL 18 lists each NOT NULL here as well
    UNION ALL
    SELECT schema, name, 10002, 'index', concat_ws(
        ' ', (SELECT relname FROM pg_class WHERE oid = indexrelid),
        CASE WHEN NOT indisvalid THEN 'INVALID' END,
        CASE WHEN indisunique THEN 'UNIQUE' END,
        split_part(pg_get_indexdef(indexrelid), ' USING ', 2))
    FROM relation JOIN pg_index ON indrelid = relation.oid
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype = 'p')
    UNION ALL
    SELECT schema, name, 10003, 'comment', objsubid || ' ' || description
    FROM relation
    JOIN pg_description ON objoid = relation.oid AND classoid = 'pg_class'::regclass
    UNION ALL
    SELECT typnamespace::regnamespace::text, typname, 10004, 'type', typtype::text
    FROM pg_type
    WHERE typnamespace::regnamespace::text !~ '^(pg_|information_schema)'
      AND typtype NOT IN ('c', 'b')
    UNION ALL
    SELECT pronamespace::regnamespace::text, proname, 10005, 'function', prokind::text
    FROM pg_proc
    WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
)
SELECT schema, name, kind, definition
FROM part
ORDER BY schema COLLATE "C", name COLLATE "C", position, definition COLLATE "C";
