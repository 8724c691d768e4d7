-- What is in a cart, with its share of the whole.
SELECT
    p.id AS "product.id", p.name AS "product.name", p.price AS "product.price",
    i.quantity,
    i.quantity * p.price AS total,
    sum(i.quantity * p.price) OVER () AS cart_total,
    rank() OVER (ORDER BY i.quantity * p.price DESC) AS rank
FROM cart_items AS i
JOIN products AS p ON p.id = i.product_id
WHERE i.customer_id = :customer_id
ORDER BY rank, p.id;
