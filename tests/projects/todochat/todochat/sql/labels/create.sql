-- Makes a label, or gives the stored one of this name.
INSERT INTO labels AS stored (user_id, name, color)
VALUES (:user_id, :name, :color)
ON CONFLICT (user_id, name) DO UPDATE SET name = stored.name
RETURNING stored.id, stored.name, stored.color;
