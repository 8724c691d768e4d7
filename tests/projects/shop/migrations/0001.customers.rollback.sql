-- Drops all customers and their addresses.

DROP TABLE addresses;
DROP TABLE customers;
DROP TYPE tier;
DROP DOMAIN email;
