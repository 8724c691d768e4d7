-- A page of a category's products by price, after a place in it.
SELECT id, name, price
FROM products
WHERE category_id = :category_id
  AND (price, id) > (coalesce(:after_price::numeric, -1), coalesce(:after_id::bigint, 0))
ORDER BY price, id
LIMIT :page_size;
