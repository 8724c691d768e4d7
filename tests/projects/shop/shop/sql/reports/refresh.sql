-- Refreshes the sales; whoever reads them need not wait.
--
-- Waives not-proven on statement: it sums up the orders of all customers, for the shop alone.
REFRESH MATERIALIZED VIEW CONCURRENTLY sales;
