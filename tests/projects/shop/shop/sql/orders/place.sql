-- Turns a cart into an order and empties it; gives nothing where the cart is empty.
WITH bought AS (
    DELETE FROM cart_items
    WHERE customer_id = :customer_id
    RETURNING product_id, quantity
), placed AS (
    INSERT INTO orders (customer_id, address_id, note)
    SELECT :customer_id, :address_id, :note
    WHERE EXISTS (SELECT FROM bought)
    RETURNING customer_id, id
), items AS (
    INSERT INTO order_items (customer_id, order_id, product_id, quantity, unit_price)
    SELECT placed.customer_id, placed.id, bought.product_id, bought.quantity, p.price
    FROM placed
    CROSS JOIN bought
    JOIN products AS p ON p.id = bought.product_id
)
SELECT id
FROM placed;
