-- Deletes those of the given conversations whose user still does not exist; the foreign key takes
-- their messages along, if it is there.
-- Index: conversations_pkey (user_id, id) and the key of users, a look-up for each.
-- Locks: the deleted rows.
-- Waives one-shard: a batch has conversations of many users.
DELETE FROM conversations AS c
USING unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
WHERE
    c.user_id = given.user_id AND c.id = given.id
    AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = c.user_id)
