-- Whether pg_stat_statements is there to be read: on the disk, in the server's memory, in this
-- database; and what the role lacks to read it.
-- Index: none of ours; pg_extension has a few rows.
-- Locks: none.
SELECT
    EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements') AS available,
    -- Anybody may see this setting, and it exists only where the library is loaded.
    current_setting('pg_stat_statements.max', true) IS NOT NULL AS loaded,
    EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') AS created,
    (
        SELECT format('GRANT USAGE ON SCHEMA %I TO %I;', nspname, current_user)
        FROM pg_extension
        JOIN pg_namespace ON pg_namespace.oid = extnamespace
        WHERE
            extname = 'pg_stat_statements'
            AND NOT has_schema_privilege(pg_namespace.oid, 'USAGE')
    ) AS missing_grant
