-- The products of each category that sold most.
--
-- Waives owner-filter on order_items: what sold best is counted over all customers.
SELECT c.name AS category, best.name AS product, best.quantity
FROM categories AS c
CROSS JOIN LATERAL (
    SELECT p.name, sum(i.quantity) AS quantity
    FROM products AS p
    JOIN order_items AS i ON i.product_id = p.id
    WHERE p.category_id = c.id
    GROUP BY p.id, p.name
    ORDER BY quantity DESC, p.id
    LIMIT :limit
) AS best
WHERE c.parent_id = :category_id
ORDER BY c.name, best.quantity DESC, best.name;
