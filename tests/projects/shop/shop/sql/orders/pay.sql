-- Marks an order as paid, and notes when and with what.
WITH paid AS (
    UPDATE orders
    SET status = 'paid'
    WHERE customer_id = :customer_id AND id = :order_id AND status = 'pending'
    RETURNING customer_id, id
)
INSERT INTO events (customer_id, order_id, happened_at, kind, facts)
SELECT customer_id, id, :paid_at, 'paid', :payment::text::jsonb
FROM paid
RETURNING happened_at;
