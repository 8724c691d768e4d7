-- Revenue by category and day, of each category, and of all, in that order.
--
-- Waives nullable on revenue: of no row at all the sum is 0.
-- Waives not-proven on sales: it sums up the orders of all customers, for the shop alone.
-- Waives sort on sales: a report reads the days that it sums up.
SELECT category_id, day, coalesce(sum(revenue), 0) AS revenue
FROM sales
WHERE day >= :since AND day < :until
GROUP BY GROUPING SETS ((category_id, day), (category_id), ())
ORDER BY category_id, day;
