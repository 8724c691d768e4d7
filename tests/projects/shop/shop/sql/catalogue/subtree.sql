-- A category and all below it, each with its depth and the names that lead to it.
WITH RECURSIVE tree AS (
    SELECT id, name, 0 AS depth, ARRAY[name] AS path
    FROM categories
    WHERE id = :category_id
    UNION ALL
    SELECT c.id, c.name, tree.depth + 1, tree.path || c.name
    FROM tree
    JOIN categories AS c ON c.parent_id = tree.id
)
SELECT id, name, depth, path
FROM tree
ORDER BY path, id;
