-- What was bought, and what is in carts. All keys begin with the customer.
--
-- Waives prefer-bigint-over-int: nobody buys two billion of anything.

CREATE TYPE order_status AS ENUM ('pending', 'paid', 'shipped', 'cancelled');

CREATE TABLE orders (
    customer_id uuid NOT NULL REFERENCES customers ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    address_id uuid,
    status order_status NOT NULL DEFAULT 'pending',
    note text,
    placed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, id),
    FOREIGN KEY (customer_id, address_id) REFERENCES addresses
);

CREATE INDEX idx_orders_customer ON orders (customer_id, placed_at, id);
CREATE INDEX idx_orders_address ON orders (customer_id, address_id);

CREATE TABLE order_items (
    customer_id uuid NOT NULL,
    order_id uuid NOT NULL,
    product_id bigint NOT NULL REFERENCES products,
    quantity integer NOT NULL CHECK (quantity > 0),
    unit_price amount NOT NULL,
    PRIMARY KEY (customer_id, order_id, product_id),
    FOREIGN KEY (customer_id, order_id) REFERENCES orders ON DELETE CASCADE
);

CREATE INDEX idx_order_items_product ON order_items (product_id);

CREATE TABLE cart_items (
    customer_id uuid NOT NULL REFERENCES customers ON DELETE CASCADE,
    product_id bigint NOT NULL REFERENCES products,
    quantity integer NOT NULL CHECK (quantity > 0),
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, product_id)
);

CREATE INDEX idx_cart_items_product ON cart_items (product_id);
