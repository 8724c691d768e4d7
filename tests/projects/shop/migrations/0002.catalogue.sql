-- What is sold: a tree of categories, and the products in them.
--
-- Waives ban-create-domain-with-constraint: no amount is negative, whichever table has it.

CREATE DOMAIN amount AS numeric(10, 2) CHECK (value >= 0);

CREATE TABLE categories (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id bigint REFERENCES categories,
    name text NOT NULL
);

-- For the children of a category, and for its deletion.
CREATE INDEX idx_categories_parent ON categories (parent_id, name);

CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category_id bigint NOT NULL REFERENCES categories,
    sku text NOT NULL UNIQUE,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    price amount NOT NULL,
    tags text[] NOT NULL DEFAULT '{}' CHECK (array_position(tags, NULL) IS NULL),
    details jsonb,
    discontinued_at timestamptz,
    search tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('english', name), 'A')
        || setweight(to_tsvector('english', description), 'B')
    ) STORED
);

-- For a category's pages by price.
CREATE INDEX idx_products_category ON products (category_id, price, id);
CREATE INDEX idx_products_search ON products USING gin (search);
CREATE INDEX idx_products_tags ON products USING gin (tags);
