-- Deletes a label; the cascade takes it off its conversations.
DELETE FROM labels
WHERE user_id = :user_id AND id = :label_id;
