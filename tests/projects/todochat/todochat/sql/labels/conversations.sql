-- The conversations that have a label, the most recent first.
--
-- Waives key-lookup on conversation_labels: those of one label are one range, read whole.
-- Waives key-lookup on conversations: a label is put on a few of a user's conversations.
SELECT c.id AS conversation_id, c.updated_at
FROM conversation_labels AS cl
JOIN conversations AS c ON c.user_id = cl.user_id AND c.id = cl.conversation_id
WHERE cl.user_id = :user_id AND cl.label_id = :label_id
ORDER BY c.updated_at DESC, c.id DESC
LIMIT :limit;
