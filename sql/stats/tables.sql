-- The tables: how large they are, what vacuum has left to do, and how they are updated and read.
-- Sizes are the files'; all else is what PostgreSQL has counted or estimated. A standby counts for
-- itself, and has neither dead rows nor vacuums.
-- Index: none of ours; the catalogue's keys.
-- Locks: ACCESS SHARE on each table, for its size.
-- Waives nullable on name, table_bytes, index_bytes, transaction_age: a table has these.
-- Waives nullable on dead_rows, changed_rows, vacuum_from: counters begin at 0, settings have
-- values.
WITH given AS (
    SELECT unnest(:tables::bigint[])::oid AS oid
)
SELECT
    counted.relname::text AS name,
    format('%I.%I', counted.schemaname, counted.relname) AS identifier,
    greatest(coalesce(nullif(n_live_tup, 0), reltuples::bigint), 0) AS rows,
    pg_table_size(pg_class.oid) AS table_bytes,
    pg_indexes_size(pg_class.oid) AS index_bytes,
    n_dead_tup AS dead_rows,
    n_mod_since_analyze AS changed_rows,
    -- As autovacuum reckons: the table's own options before the server's settings.
    least(
        (
            coalesce(own.threshold, current_setting('autovacuum_vacuum_threshold')::bigint)
            + coalesce(own.scale_factor,
                current_setting('autovacuum_vacuum_scale_factor')::double precision)
            * greatest(reltuples, 0)
        )::bigint,
        nullif(coalesce(own.maximum,
            current_setting('autovacuum_vacuum_max_threshold', true)::bigint), -1)
    ) AS vacuum_from,
    coalesce(own.enabled, true) AS autovacuum,
    greatest(last_vacuum, last_autovacuum) AS last_vacuum,
    greatest(last_analyze, last_autoanalyze) AS last_analyze,
    age(relfrozenxid)::bigint AS transaction_age,
    n_tup_hot_upd::double precision / nullif(n_tup_upd, 0) AS hot_ratio,
    heap_blks_hit::double precision / nullif(heap_blks_hit + heap_blks_read, 0) AS heap_hit_ratio,
    idx_blks_hit::double precision / nullif(idx_blks_hit + idx_blks_read, 0) AS index_hit_ratio
FROM pg_class
JOIN pg_stat_all_tables AS counted ON counted.relid = pg_class.oid
JOIN pg_statio_all_tables AS read ON read.relid = pg_class.oid
CROSS JOIN LATERAL (
    SELECT
        max(option_value) FILTER (
            WHERE option_name = 'autovacuum_vacuum_threshold')::bigint AS threshold,
        max(option_value) FILTER (
            WHERE option_name = 'autovacuum_vacuum_scale_factor')::double precision
            AS scale_factor,
        max(option_value) FILTER (
            WHERE option_name = 'autovacuum_vacuum_max_threshold')::bigint AS maximum,
        max(option_value) FILTER (WHERE option_name = 'autovacuum_enabled')::boolean AS enabled
    FROM pg_options_to_table(reloptions)
) AS own
WHERE
    -- Of each view by itself, which would else be made for every table that there is.
    pg_class.oid = ANY (ARRAY(SELECT oid FROM given))
    AND counted.relid = ANY (ARRAY(SELECT oid FROM given))
    AND read.relid = ANY (ARRAY(SELECT oid FROM given))
ORDER BY array_position(:tables::bigint[], pg_class.oid::bigint)
