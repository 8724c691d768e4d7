-- What keeps vacuum from removing dead rows: the ten oldest of the open transactions, the prepared
-- ones, and the replication slots that nobody reads from.
-- Index: none of ours; PostgreSQL's list of its processes, and its files of the others.
-- Locks: none.
-- Waives nullable on subject: a process id or a name.
SELECT kind, subject, application, function, state, seconds, behind
FROM (
    SELECT
        'session' AS kind,
        pid::text AS subject,
        application_name AS application,
        -- Only if it is a name of ours: what stands there may be anything.
        (SELECT name FROM unnest(:names::text[]) AS name
         WHERE name = substring(query FROM '^\w+ /\* ([\w.]+) \*/')) AS function,
        state,
        date_part('epoch', clock_timestamp() - xact_start) AS seconds,
        age(coalesce(backend_xmin, backend_xid))::bigint AS behind
    FROM pg_stat_activity
    WHERE
        datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
        AND backend_type = 'client backend'
    UNION ALL
    SELECT
        'prepared transaction', gid, NULL, NULL, NULL,
        date_part('epoch', clock_timestamp() - prepared),
        age(transaction)::bigint
    FROM pg_prepared_xacts
    WHERE database = current_database()
    UNION ALL
    SELECT
        'replication slot', slot_name::text, NULL, NULL, NULL, NULL,
        greatest(age(xmin), age(catalog_xmin))::bigint
    FROM pg_replication_slots
    WHERE NOT active
) AS holding
ORDER BY seconds DESC NULLS FIRST, subject
LIMIT 10
