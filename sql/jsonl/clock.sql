-- The server's time now, not at the transaction's start: an import may take long, and refuses later
-- times.
-- Index: none.
-- Locks: none.
SELECT clock_timestamp() AS now
