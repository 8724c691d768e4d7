-- When a customer last ordered.
SELECT max(placed_at) AS placed_at
FROM orders
WHERE customer_id = :customer_id;
