-- Replaces the tags of a product.
UPDATE products
SET tags = :tags
WHERE id = :product_id;
