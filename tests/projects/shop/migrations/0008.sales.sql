-- What was sold on each day, in UTC, of each category; a nightly job refreshes it.
--
-- Waives require-concurrent-index-creation: the view is new, and nobody reads it yet.

CREATE MATERIALIZED VIEW sales AS
SELECT
    (o.placed_at AT TIME ZONE 'UTC')::date AS day,
    p.category_id,
    sum(i.quantity) AS quantity,
    sum(i.quantity * i.unit_price) AS revenue
FROM orders AS o
JOIN order_items AS i ON i.customer_id = o.customer_id AND i.order_id = o.id
JOIN products AS p ON p.id = i.product_id
WHERE o.status <> 'cancelled'
GROUP BY (o.placed_at AT TIME ZONE 'UTC')::date, p.category_id;

-- A refresh beside readers needs a unique index.
CREATE UNIQUE INDEX idx_sales_day ON sales (day, category_id);
