-- The conversations that bear a label, in the order of their ids.
SELECT conversation_id
FROM labels
WHERE user_id = :user_id AND name = :name
ORDER BY conversation_id
LIMIT 1000;
