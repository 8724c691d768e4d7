-- How much of a product lies in which warehouse.
--
-- Waives prefer-bigint-over-int: no warehouse holds two billion of anything.

CREATE TABLE stock (
    product_id bigint NOT NULL REFERENCES products,
    warehouse text NOT NULL,
    quantity integer NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (product_id, warehouse)
);
