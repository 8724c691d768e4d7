-- How much of a product a warehouse has; none where it never had it.
SELECT quantity
FROM stock
WHERE product_id = :product_id AND warehouse = :warehouse;
