-- Who buys. An address is one of a customer's, and its key begins with them.
--
-- Waives ban-create-domain-with-constraint: what an e-mail is does not change under rows.

CREATE DOMAIN email AS text CHECK (value LIKE '%_@_%');
CREATE TYPE tier AS ENUM ('basic', 'silver', 'gold');

CREATE TABLE customers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email email NOT NULL UNIQUE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    tier tier NOT NULL DEFAULT 'basic',
    preferences jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(preferences) = 'object'),
    registered_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE addresses (
    customer_id uuid NOT NULL REFERENCES customers ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    street text NOT NULL,
    city text NOT NULL,
    PRIMARY KEY (customer_id, id)
);
