-- What each of our statements has cost since pg_stat_statements began to count, the most expensive
-- in total first; a row without a name has all other statements together. No text is shown: a
-- statement of ours has its name as a comment after the first keyword.
-- Index: none of ours; a view of the extension, which reads the file of the texts.
-- Locks: none.
-- Needs pg_stat_statements: without the extension the reader says how to get it.
-- Waives nullable on total_ms, mean_ms, max_ms, rows, pages, wal_bytes: there is a statement behind
-- each row, which was called.
-- Waives not-proven on pg_stat_statements: it counts statements, and has nobody's rows.
WITH ours AS (
    SELECT
        named.name, query = '<insufficient privilege>' AS hidden,
        calls, total_exec_time, max_exec_time, rows, wal_bytes,
        shared_blks_hit + shared_blks_read AS pages
    FROM pg_stat_statements
    LEFT JOIN unnest(:names::text[]) AS named (name)
        ON named.name = substring(query FROM '^\w+ /\* ([\w.]+) \*/')
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT
    name,
    count(*) AS statements,
    count(*) FILTER (WHERE hidden) AS hidden,
    sum(calls)::bigint AS calls,
    sum(total_exec_time)::double precision AS total_ms,
    sum(total_exec_time)::double precision / sum(calls)::double precision AS mean_ms,
    max(max_exec_time)::double precision AS max_ms,
    sum(rows)::double precision / sum(calls)::double precision AS rows,
    sum(pages)::double precision / sum(calls)::double precision AS pages,
    sum(wal_bytes)::double precision / sum(calls)::double precision AS wal_bytes
FROM ours
WHERE calls > 0  -- not yet at its end
GROUP BY name
ORDER BY name IS NULL, sum(total_exec_time) DESC
