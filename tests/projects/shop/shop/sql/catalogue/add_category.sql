-- Adds a category, at the top or below another.
INSERT INTO categories (name, parent_id)
VALUES (:name, :parent_id)
RETURNING id;
