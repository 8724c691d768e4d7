-- The labels of a conversation, by name.
SELECT name
FROM labels
WHERE user_id = :user_id AND conversation_id = :conversation_id
ORDER BY name;
