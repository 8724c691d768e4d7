-- Who is connected to this database, by application: how many sessions do what, and how long the
-- oldest transaction has been open. Of other roles' sessions one needs pg_read_all_stats to see
-- more than that they are there.
-- Index: none of ours; PostgreSQL's list of its processes.
-- Locks: none.
SELECT
    coalesce(application_name, '') AS application,
    count(*) AS sessions,
    count(*) FILTER (WHERE state = 'active') AS active,
    count(*) FILTER (WHERE state = 'idle') AS idle,
    count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS in_transaction,
    count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting,
    count(*) FILTER (WHERE backend_type IS NULL) AS hidden,
    date_part('epoch', max(clock_timestamp() - xact_start)) AS oldest_seconds
FROM pg_stat_activity
WHERE
    datname = current_database() AND pid <> pg_backend_pid()
    AND coalesce(backend_type, 'client backend') = 'client backend'
GROUP BY 1
ORDER BY sessions DESC, application
