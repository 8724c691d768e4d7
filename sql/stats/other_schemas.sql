-- Schemas that are not on the role's search path, or that it may not use, and hold dal's tables.
-- Index: none of ours; the catalogue's.
-- Locks: none.
-- Waives nullable on schema_name: a table has one.
SELECT nspname::text AS schema_name
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE
    relname = 'conversations' AND relkind IN ('r', 'p')
    AND starts_with(obj_description(pg_class.oid, 'pg_class'), 'dal ')
ORDER BY schema_name
