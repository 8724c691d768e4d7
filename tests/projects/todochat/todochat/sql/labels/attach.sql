-- Puts a label on a conversation.
INSERT INTO conversation_labels (user_id, conversation_id, label_id)
SELECT c.user_id, c.id, l.id
FROM conversations AS c
JOIN labels AS l ON l.user_id = c.user_id
WHERE c.user_id = :user_id AND c.id = :conversation_id AND l.id = :label_id
ON CONFLICT DO NOTHING;
