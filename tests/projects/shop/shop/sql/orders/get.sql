-- An order with its items, and where it goes unless it is fetched.
SELECT
    o.id, o.status, o.note, o.placed_at,
    c.id AS "customer.id", c.name AS "customer.name",
    a.street AS "address.street", a.city AS "address.city",
    i.product_id AS "items.product_id", p.name AS "items.name",
    i.quantity AS "items.quantity", i.unit_price AS "items.unit_price"
FROM orders AS o
JOIN customers AS c ON c.id = o.customer_id
LEFT JOIN addresses AS a ON a.customer_id = o.customer_id AND a.id = o.address_id
JOIN order_items AS i ON i.customer_id = o.customer_id AND i.order_id = o.id
JOIN products AS p ON p.id = i.product_id
WHERE o.customer_id = :customer_id AND o.id = :order_id
ORDER BY p.name, p.id;
