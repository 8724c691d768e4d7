-- Drops the view.

DROP MATERIALIZED VIEW sales;
