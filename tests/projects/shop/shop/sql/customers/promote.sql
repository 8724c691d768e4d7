-- Puts a customer into a tier; gives the one of before.
UPDATE customers AS c
SET tier = :tier
FROM (
    SELECT id, tier
    FROM customers
    WHERE id = :customer_id
    FOR UPDATE
) AS before
WHERE c.id = :customer_id AND c.id = before.id
RETURNING before.tier;
