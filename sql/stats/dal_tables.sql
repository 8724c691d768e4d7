-- dal's tables as the search path finds them, and what the role lacks to count their rows and to
-- know how wide the columns of their indexes are, by which indexes.sql says how full they are.
-- Index: none of ours; the catalogue's keys.
-- Locks: none.
SELECT
    names.name,
    pg_class.oid::bigint AS oid,
    CASE
        WHEN names.name <> 'conversations' THEN NULL  -- retention.sql counts in no other
        WHEN EXISTS (
            SELECT FROM pg_attribute
            WHERE
                attrelid = pg_class.oid AND attname IN ('status', 'updated_at', 'archived_at')
                AND NOT has_column_privilege(attrelid, attnum, 'SELECT')
        ) THEN format(
            'GRANT SELECT (status, updated_at, archived_at) ON %I.%I TO %I;',
            nspname, relname, current_user
        )
        WHEN row_security_active(pg_class.oid) THEN format('ALTER ROLE %I BYPASSRLS;', current_user)
    END AS missing_grant,
    CASE
        WHEN row_security_active(pg_class.oid) THEN format('ALTER ROLE %I BYPASSRLS;', current_user)
        ELSE (
            SELECT format(
                'GRANT SELECT (%s) ON %I.%I TO %I;',
                string_agg(quote_ident(attname), ', ' ORDER BY attnum),
                nspname, relname, current_user
            )
            FROM pg_attribute
            WHERE
                attrelid = pg_class.oid
                AND attnum = ANY (ARRAY(
                    SELECT unnest(indkey) FROM pg_index WHERE indrelid = pg_class.oid
                ))
                AND NOT has_column_privilege(attrelid, attnum, 'SELECT')
            HAVING count(*) > 0
        )
    END AS missing_widths_grant
FROM (VALUES (1, 'users'), (2, 'tasks'), (3, 'conversations'), (4, 'messages'))
    AS names (place, name)
LEFT JOIN pg_class ON pg_class.oid = to_regclass(names.name) AND relkind IN ('r', 'p')
LEFT JOIN pg_namespace ON pg_namespace.oid = relnamespace
ORDER BY names.place
