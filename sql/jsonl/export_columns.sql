-- The columns of the exported tables, so that an export can name those for which lines have no
-- place.
-- Index: the catalogue's.
-- Locks: none.
-- Waives nullable on table, name: names of the catalogue.
-- Waives order: each is looked at by itself.
SELECT c.relname::text AS "table", a.attname::text AS name
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE
    c.oid IN (
        to_regclass('conversations')::oid, to_regclass('messages')::oid, to_regclass('tasks')::oid
    )
    AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attgenerated = ''  -- what the server computes, it computes again
