-- The products of a category, the cheapest first, by what the customer wants of them.
SELECT p.id, p.name, p.price
FROM products AS p
WHERE p.category_id = :category_id
  AND p.price >= :min_price             -- if :min_price
  AND p.price <= :max_price             -- if :max_price
  AND p.tags @> :tags                   -- if :tags
  AND p.discontinued_at IS NULL         -- if :sold
  AND EXISTS (SELECT FROM stock AS s WHERE s.product_id = p.id AND s.quantity > 0)  -- if :in_stock
ORDER BY p.price, p.id
LIMIT :limit;
