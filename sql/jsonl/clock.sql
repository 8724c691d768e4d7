-- The server's clock. Of this moment, not of the transaction's start: an import may take long, and
-- refuses times ahead of it.
-- Index: none.
-- Locks: none.
SELECT clock_timestamp() AS now
