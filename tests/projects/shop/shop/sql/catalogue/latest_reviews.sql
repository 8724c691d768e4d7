-- The last review of each of some products.
SELECT DISTINCT ON (product_id) product_id, stars, comment, written_at
FROM reviews
WHERE product_id = ANY(:product_ids)
ORDER BY product_id, written_at DESC;
