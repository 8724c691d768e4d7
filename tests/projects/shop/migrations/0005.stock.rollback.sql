-- Drops all stock.

DROP TABLE stock;
