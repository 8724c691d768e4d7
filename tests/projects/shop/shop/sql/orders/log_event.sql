-- Notes what happened to an order.
INSERT INTO events (customer_id, order_id, happened_at, kind, facts)
VALUES (:customer_id, :order_id, :happened_at, :kind, :facts::text::jsonb);
