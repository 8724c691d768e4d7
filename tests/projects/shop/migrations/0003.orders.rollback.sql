-- Drops all orders and carts.

DROP TABLE cart_items;
DROP TABLE order_items;
DROP TABLE orders;
DROP TYPE order_status;
