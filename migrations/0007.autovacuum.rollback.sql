-- Back to the server's own settings. SHARE UPDATE EXCLUSIVE on both tables for a moment.

ALTER TABLE conversations RESET (
    autovacuum_vacuum_scale_factor,
    autovacuum_analyze_scale_factor
);
ALTER TABLE messages RESET (
    autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_insert_scale_factor,
    autovacuum_analyze_scale_factor
);
