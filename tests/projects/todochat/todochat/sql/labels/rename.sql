-- Gives a label another name.
UPDATE labels
SET name = :name
WHERE user_id = :user_id AND id = :label_id
RETURNING id, name, color;
