-- Every table, column, constraint, index, comment, trigger, rule and policy of the database, one a
-- row, so that two schemas can be compared by their text; `dal baseline` and the tests do. yoyo's
-- own tables are left out.
--
-- Plain reads of the catalogue; nothing is locked. Names are written as the search_path has them.

WITH namespace AS (
    SELECT oid, nspname::text AS schema
    FROM pg_namespace
    WHERE nspname !~ '^(pg_|information_schema)'
), relation AS (
    SELECT pg_class.oid, schema, relname::text AS name, relkind, relrowsecurity, relforcerowsecurity
    FROM pg_class JOIN namespace ON namespace.oid = relnamespace
    WHERE relname !~ '^_?yoyo_'
      AND relkind NOT IN ('i', 'I')  -- they are listed with their tables
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
    WHERE contype NOT IN ('n', 't')  -- NOT NULL stands with the columns, triggers below
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
    SELECT schema, name, 10004, 'trigger',
        CASE tgenabled WHEN 'D' THEN 'DISABLED ' ELSE '' END
        || pg_get_triggerdef(pg_trigger.oid, true)
    FROM relation JOIN pg_trigger ON tgrelid = relation.oid
    WHERE NOT tgisinternal
    UNION ALL
    SELECT schema, name, 10005, 'rule',
        CASE ev_enabled WHEN 'D' THEN 'DISABLED ' ELSE '' END
        || pg_get_ruledef(pg_rewrite.oid, true)
    FROM relation JOIN pg_rewrite ON ev_class = relation.oid
    WHERE rulename <> '_RETURN'  -- a view's own
    UNION ALL
    SELECT schema, name, 10006, 'row security',
        CASE WHEN relforcerowsecurity THEN 'forced' ELSE 'enabled' END
    FROM relation
    WHERE relrowsecurity
    UNION ALL
    SELECT schema, name, 10007, 'policy', concat_ws(
        ' ', polname, CASE WHEN NOT polpermissive THEN 'RESTRICTIVE' END, 'FOR', polcmd,
        'USING ' || pg_get_expr(polqual, polrelid),
        'WITH CHECK ' || pg_get_expr(polwithcheck, polrelid))
    FROM relation JOIN pg_policy ON polrelid = relation.oid
    UNION ALL
    SELECT schema, typname, 10008, 'type', typtype::text
    FROM pg_type JOIN namespace ON namespace.oid = typnamespace
    WHERE typtype NOT IN ('c', 'b')
    UNION ALL
    SELECT schema, proname, 10009, 'function', prokind::text
    FROM pg_proc JOIN namespace ON namespace.oid = pronamespace
)
SELECT schema, name, kind, definition
FROM part
ORDER BY schema COLLATE "C", name COLLATE "C", position, definition COLLATE "C";
