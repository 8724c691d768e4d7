-- What a cart costs.
SELECT coalesce(sum(i.quantity * p.price), 0) AS total
FROM cart_items AS i
JOIN products AS p ON p.id = i.product_id
WHERE i.customer_id = :customer_id;
