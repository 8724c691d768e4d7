-- A category's revenue by day, and what came together until then.
--
-- Waives not-proven on sales: it sums up the orders of all customers, for the shop alone.
-- Waives nullable on day, revenue, so_far: the view sums up columns that are NOT NULL.
SELECT
    day, revenue,
    sum(revenue) OVER (ORDER BY day) AS so_far,
    lag(revenue) OVER (ORDER BY day) AS day_before
FROM sales
WHERE category_id = :category_id
ORDER BY day;
