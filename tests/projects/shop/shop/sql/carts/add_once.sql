-- Puts one of a product into a cart, unless it is there.
INSERT INTO cart_items (customer_id, product_id, quantity)
VALUES (:customer_id, :product_id, 1)
ON CONFLICT DO NOTHING;
