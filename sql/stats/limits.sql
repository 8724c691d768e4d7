-- Limits for one part of the picture, until its transaction ends: a lock or an answer that does not
-- come leaves out that part alone. The schema of pg_stat_statements may be on nobody's search path,
-- so it is put at the end of this one's.
-- Index: none of ours; pg_extension has a few rows.
-- Locks: none.
SELECT
    set_config('lock_timeout', '500ms', true) IS NOT NULL
    AND set_config('statement_timeout', '10s', true) IS NOT NULL
    AND set_config('jit', 'off', true) IS NOT NULL
    AND set_config('search_path', concat_ws(
        ', ', nullif(current_setting('search_path'), ''),
        (SELECT quote_ident(nspname)
         FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
         WHERE extname = 'pg_stat_statements')
    ), true) IS NOT NULL AS limited
