-- How many orders a customer has in which state.
SELECT
    count(*) AS orders,
    count(*) FILTER (WHERE status = 'pending') AS pending,
    count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
    min(placed_at) AS first_at
FROM orders
WHERE customer_id = :customer_id;
