-- Who waits for a lock, and for whom: the twenty that wait longest, each with those who hold what
-- it wants or stand in line before it. A prepared transaction has no process: its by_pid is NULL.
-- Index: none of ours; PostgreSQL's tables of locks and processes.
-- Locks: none.
WITH process AS (
    SELECT
        pid, datname, state, xact_start,
        coalesce(nullif(application_name, ''), backend_type, '') AS application,
        -- Only if it is a name of ours: what stands there may be anything.
        (SELECT name FROM unnest(:names::text[]) AS name
         WHERE name = substring(query FROM '^\w+ /\* ([\w.]+) \*/')) AS function
    FROM pg_stat_activity
), waiting AS (
    SELECT pid, min(waitstart) AS since
    FROM pg_locks
    JOIN process USING (pid)
    WHERE NOT granted AND datname = current_database()
    GROUP BY pid
    ORDER BY since NULLS LAST, pid
    LIMIT 20
)
SELECT
    waiting.pid,
    waiter.application,
    waiter.function,
    date_part('epoch', clock_timestamp() - waiting.since) AS seconds,
    blocker.pid AS by_pid,
    blocker.application AS by_application,
    blocker.function AS by_function,
    blocker.state AS by_state,
    date_part('epoch', clock_timestamp() - blocker.xact_start) AS by_seconds
FROM waiting
JOIN process AS waiter USING (pid)
LEFT JOIN LATERAL (SELECT DISTINCT unnest(pg_blocking_pids(waiting.pid))) AS blocking (pid) ON true
LEFT JOIN process AS blocker ON blocker.pid = blocking.pid
ORDER BY waiting.since NULLS LAST, waiting.pid, by_pid
