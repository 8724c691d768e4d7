-- The indexes: how large, whether valid, how often used, and how full. The last is an estimate,
-- from the average widths of the columns: an index that has just been built has 0.9, one whose
-- values arrive in no order 0.6. It is NULL where nothing was analysed, or where the role may not
-- read the columns.
-- Index: none of ours; the catalogue's keys.
-- Locks: ACCESS SHARE on each table and index, for sizes and the names of columns.
-- Waives nullable on name, table_name, bytes, valid: the catalogue has them.
-- Waives not-proven on pg_stats: widths and numbers of values are read, and no value.
WITH given AS (
    SELECT unnest(:tables::bigint[])::oid AS oid
), own AS (
    SELECT
        indexrelid, indnatts, indisunique, indisvalid, nspname,
        index.relname, of_table.relname AS table_name, amname,
        greatest(index.reltuples, 0)::double precision AS entries,
        pg_relation_size(indexrelid) AS bytes
    FROM pg_index
    JOIN pg_class AS index ON index.oid = indexrelid
    JOIN pg_class AS of_table ON of_table.oid = indrelid
    JOIN pg_namespace ON pg_namespace.oid = of_table.relnamespace
    JOIN pg_am ON pg_am.oid = index.relam
    WHERE indrelid = ANY (ARRAY(SELECT oid FROM given))
), of_column AS MATERIALIZED (
    SELECT schemaname, tablename, attname, avg_width, n_distinct
    FROM pg_stats
    -- By name first, by which the view finds a few rows rather than all that there are.
    WHERE
        tablename = ANY (ARRAY(SELECT relname FROM pg_class JOIN given USING (oid)))
        AND NOT inherited
), measured AS (
    SELECT
        indexrelid, entries,
        -- NULL as soon as that of one column is unknown.
        CASE WHEN count(avg_width) = count(*) THEN sum(avg_width) END AS width,
        CASE
            WHEN indisunique THEN entries
            ELSE least(entries, max(
                CASE WHEN n_distinct < 0 THEN -n_distinct * entries ELSE n_distinct END
            ))
        END AS keys
    FROM own
    CROSS JOIN generate_series(1, indnatts) AS place
    LEFT JOIN of_column
        ON schemaname = nspname AND tablename = table_name
        AND quote_ident(attname) = pg_get_indexdef(indexrelid, place, true)
    WHERE amname = 'btree'
    GROUP BY indexrelid, indisunique, entries
)
SELECT
    own.relname::text AS name,
    format('%I.%I', nspname, own.relname) AS identifier,
    own.table_name::text AS table_name,
    own.bytes,
    indisvalid AS valid,
    EXISTS (
        -- Which one it is can't be seen of another role's.
        SELECT FROM pg_stat_progress_create_index
        WHERE
            datname = current_database()
            AND (index_relid = own.indexrelid OR index_relid IS NULL)
    ) AS building,
    coalesce(idx_scan, 0) AS scans,
    -- An entry has a head of 8 bytes, begins at a multiple of 8, and is pointed to by 4. Where rows
    -- share a key, they share its entry, and add 6 bytes each. A page keeps 40 bytes for itself.
    (
        keys * (4 + 8 * ceil((8 + width) / 8.0))
        + CASE WHEN keys < measured.entries THEN measured.entries * 6 + keys * 4 ELSE 0 END
    )
    * block_size / (block_size - 40) / nullif(own.bytes, 0) AS density
FROM own
CROSS JOIN (SELECT current_setting('block_size')::double precision AS block_size) AS page
LEFT JOIN measured USING (indexrelid)
LEFT JOIN pg_stat_all_indexes AS counted
    ON counted.indexrelid = own.indexrelid AND counted.relid = ANY (ARRAY(SELECT oid FROM given))
ORDER BY own.bytes DESC, own.relname
