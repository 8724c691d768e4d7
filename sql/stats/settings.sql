-- Settings that hurt the roles that may write to our tables, each one where it is set: for a role,
-- for this database, or for all roles. What is set nowhere, so that the server's own counts, stands
-- with the role. What an address sets for its connections can't be seen.
-- Index: none of ours; pg_db_role_setting.
-- Locks: none.
-- Waives nullable on value: written here, and the condition wants a value.
WITH writer AS (
    SELECT oid, rolname, rolsuper
    FROM pg_roles
    WHERE
        rolcanlogin
        AND EXISTS (
            SELECT FROM unnest(:tables::bigint[]) AS of_table
            WHERE has_table_privilege(pg_roles.oid, of_table::oid, 'INSERT')
        )
), chosen AS (
    -- The nearest to the session wins.
    SELECT DISTINCT ON (writer.oid, watched.name)
        writer.rolname AS writer, writer.rolsuper AS superuser,
        watched.name AS setting, lower(coalesce(own.value, server.setting)) AS value,
        setrole, setdatabase
    FROM writer
    CROSS JOIN unnest(ARRAY[
        'default_transaction_isolation', 'default_transaction_read_only',
        'statement_timeout', 'idle_in_transaction_session_timeout'
    ]) AS watched (name)
    -- Where this session has a value of its own, the server's can't be seen.
    LEFT JOIN pg_settings AS server
        ON server.name = watched.name AND source IN ('default', 'configuration file')
    LEFT JOIN (
        SELECT
            setrole, setdatabase,
            split_part(entry, '=', 1) AS name, substring(entry FROM '=(.*)') AS value
        FROM pg_db_role_setting
        CROSS JOIN unnest(setconfig) AS entry
        WHERE
            setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ) AS own ON own.name = watched.name AND own.setrole IN (0, writer.oid)
    ORDER BY writer.oid, watched.name, own.setrole <> 0 DESC NULLS LAST, own.setdatabase <> 0 DESC
)
SELECT DISTINCT
    setting,
    value,
    CASE WHEN setrole IS NULL THEN writer ELSE pg_get_userbyid(nullif(setrole, 0)) END::text
        AS role,
    coalesce(setdatabase <> 0, false) AS in_database
FROM chosen
WHERE
    CASE setting
        WHEN 'default_transaction_isolation' THEN value <> 'read committed'
        WHEN 'default_transaction_read_only' THEN value::boolean
        ELSE value ~ '^0+\s*[a-z]*$' AND NOT superuser
    END
ORDER BY setting, role NULLS FIRST, in_database, value
