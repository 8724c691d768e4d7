-- Adds an address of a customer's.
INSERT INTO addresses (customer_id, street, city)
VALUES (:customer_id, :street, :city)
RETURNING id;
