-- A customer.
SELECT id, email, name, tier, preferences::text AS preferences
FROM customers
WHERE id = :customer_id;
