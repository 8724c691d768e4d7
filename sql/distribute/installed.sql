-- Whether the database has Citus, so that the catalogue of its tables may be asked.
-- Index: none of ours; a name is looked up in the catalogue.
-- Locks: none.
SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS installed
