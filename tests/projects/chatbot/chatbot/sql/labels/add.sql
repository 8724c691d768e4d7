-- Puts labels on a conversation; those that it bears already stay.
INSERT INTO labels (user_id, conversation_id, name)
SELECT :user_id, :conversation_id, name
FROM unnest(:names::text[]) AS name
ON CONFLICT DO NOTHING;
