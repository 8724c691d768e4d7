-- Notes what a customer says of a product, in place of what they said before.
INSERT INTO reviews (product_id, customer_id, stars, comment)
VALUES (:product_id, :customer_id, :stars, :comment)
ON CONFLICT (product_id, customer_id) DO UPDATE SET
    stars = excluded.stars,
    comment = excluded.comment,
    written_at = now();
