-- The names of the categories that lead to one, from the top.
WITH RECURSIVE above AS (
    SELECT id, parent_id, name, 0 AS height
    FROM categories
    WHERE id = :category_id
    UNION ALL
    SELECT c.id, c.parent_id, c.name, above.height + 1
    FROM above
    JOIN categories AS c ON c.id = above.parent_id
)
SELECT name
FROM above
ORDER BY height DESC;
