-- Puts a product into a cart, or more of it; gives how many there are now.
INSERT INTO cart_items AS cart (customer_id, product_id, quantity)
VALUES (:customer_id, :product_id, :quantity)
ON CONFLICT (customer_id, product_id) DO UPDATE SET quantity = cart.quantity + excluded.quantity
RETURNING cart.quantity;
