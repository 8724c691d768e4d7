-- Takes a label off a conversation.
DELETE FROM conversation_labels
WHERE user_id = :user_id AND conversation_id = :conversation_id AND label_id = :label_id;
