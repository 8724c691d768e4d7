-- depends: 0006.archived-at
--
-- Autovacuum comes sooner to the two tables that grow.
--
-- By default it comes after changes to a fifth of the rows. Of five million conversations that is a
-- million dead rows, for each message leaves one (no update of theirs is HOT), and their indexes
-- grow by what is written between two visits (0003). A fiftieth keeps them within 2 %; the visit
-- itself costs the same pages each time, so far smaller shares would only read more.
--
-- messages are hardly ever updated: what counts there is that inserts are visited, which sets the
-- visibility map (counts are index-only then) and freezes rows a few at a time rather than all at
-- once; and that the statistics follow, which plans depend on.
--
-- SHARE UPDATE EXCLUSIVE on both tables for a moment: reads and writes go on.

ALTER TABLE conversations SET (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);
ALTER TABLE messages SET (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
