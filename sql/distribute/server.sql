-- Why this server can't distribute tables, as far as a server without Citus can tell.
--
-- Plain reads of the catalogue; nothing is locked.

SELECT problem, help
FROM (
    VALUES
    (
        NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus'),
        'the extension citus is missing in this database',
        'install Citus on each node, add it to shared_preload_libraries, and CREATE EXTENSION citus'
    ),
    (
        current_setting('max_prepared_transactions')::integer = 0,
        'max_prepared_transactions is 0, so that no transaction can span two nodes',
        'set it to max_connections on each node, and restart them'
    )
) AS told (holds, problem, help)
WHERE holds
