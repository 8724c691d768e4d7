-- Sets the prices of some products.
UPDATE products AS p
SET price = given.price
FROM unnest(:prices_product_id::bigint[], :prices_price::numeric[]) AS given (product_id, price)
WHERE p.id = given.product_id AND p.price <> given.price;
