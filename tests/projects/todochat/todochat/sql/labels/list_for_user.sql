-- A user's labels, by name.
SELECT id, name, color
FROM labels
WHERE user_id = :user_id
ORDER BY name
LIMIT (SELECT :limit::bigint);
