-- A product with its category, and what customers say of it, if any did.
SELECT
    p.id, p.sku, p.name, p.price, p.tags, p.details::text AS details,
    c.id AS "category.id", c.name AS "category.name",
    r.reviews AS "rating.reviews", round(r.stars, 2) AS "rating.stars"
FROM products AS p
JOIN categories AS c ON c.id = p.category_id
LEFT JOIN ratings AS r ON r.product_id = p.id
WHERE p.id = :product_id;
