-- The labels of a conversation, by name.
--
-- Waives sort on conversation_labels: a conversation has a handful.
-- Waives key-lookup on labels: a user has a hundred at most.
SELECT l.id, l.name, l.color
FROM conversation_labels AS cl
JOIN labels AS l ON l.user_id = cl.user_id AND l.id = cl.label_id
WHERE cl.user_id = :user_id AND cl.conversation_id = :conversation_id
ORDER BY l.name;
