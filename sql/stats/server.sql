-- The server, the database and the role: what they are, and how much the role may see.
-- Index: none of ours; a row of pg_stat_database.
-- Locks: none.
-- Waives nullable on database, sees_everyone, standby, started_at, connections: always known.
-- Waives nullable on commits, rollbacks, deadlocks, temporary_bytes: counters begin at 0.
SELECT
    current_setting('server_version') AS version,
    datname::text AS database,
    current_user::text AS role,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_everyone,
    pg_is_in_recovery() AS standby,
    now() AS at,
    pg_postmaster_start_time() AS started_at,
    (SELECT sum(numbackends) FROM pg_stat_database)::integer AS connections,
    current_setting('max_connections')::integer AS max_connections,
    xact_commit AS commits,
    xact_rollback AS rollbacks,
    deadlocks,
    temp_bytes AS temporary_bytes,
    blks_hit::double precision / nullif(blks_hit + blks_read, 0) AS hit_ratio,
    stats_reset AS counted_since,
    current_setting('track_counts')::boolean AND current_setting('track_activities')::boolean
        AS counting,
    current_setting('autovacuum')::boolean AS autovacuum
FROM pg_stat_database
WHERE datname = current_database()
