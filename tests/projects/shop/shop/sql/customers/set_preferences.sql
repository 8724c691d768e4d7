-- Replaces what a customer prefers.
UPDATE customers
SET preferences = :preferences::text::jsonb
WHERE id = :customer_id;
