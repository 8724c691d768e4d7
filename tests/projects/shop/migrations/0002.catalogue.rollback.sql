-- Drops all products and categories.

DROP TABLE products;
DROP TABLE categories;
DROP DOMAIN amount;
