-- Deletes a user; the foreign keys take conversations, messages and tasks along. In a table that
-- was there before dal this is the account itself, so the id is compared as in get.sql.
-- Index: the primary key of users; the cascades use the other primary keys' prefix user_id.
-- Locks: the user's row and all that is theirs.
DELETE FROM users
WHERE id = :user_id AND id::text COLLATE "C" = concat(:user_id)
