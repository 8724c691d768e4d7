-- Run once on each new connection of a pool: if conversations or messages has almost no rows in the
-- server's statistics, this connection plans every statement anew.
--
-- A plan that is kept (PostgreSQL keeps one from a statement's sixth run on) and was made on such a
-- table reads that table from end to end, however much it has grown since, until autovacuum
-- analyses it: about a minute, and never before the end of the transaction that fills it. No form
-- of a statement helps, because reading a table of one page or none costs nothing. Planning costs
-- 30 to 250 microseconds a call; the connection that replaces this one looks again.
--
-- Reads what ANALYZE noted in the catalogue; the tables are not locked, not even for their sizes,
-- so that a migration at work does not keep a service from connecting.
SELECT set_config('plan_cache_mode', 'force_custom_plan', false)
FROM pg_class
WHERE
    (oid = to_regclass('conversations') AND reltuples < 100)
    OR (oid = to_regclass('messages') AND reltuples < 1000)
