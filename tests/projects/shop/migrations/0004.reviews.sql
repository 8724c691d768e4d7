-- What customers say of products, one review each, and a view that sums them up.
--
-- Waives prefer-bigint-over-smallint: there are five stars.

CREATE TABLE reviews (
    product_id bigint NOT NULL REFERENCES products,
    customer_id uuid NOT NULL REFERENCES customers ON DELETE CASCADE,
    stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    comment text,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_id, customer_id)
);

CREATE INDEX idx_reviews_customer ON reviews (customer_id);
CREATE INDEX idx_reviews_product ON reviews (product_id, written_at);

CREATE VIEW ratings AS
SELECT product_id, count(*) AS reviews, avg(stars) AS stars
FROM reviews
GROUP BY product_id;
