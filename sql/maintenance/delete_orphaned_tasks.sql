-- Deletes those of the given tasks whose user still does not exist.
-- Index: tasks_pkey (user_id, id) and the key of users, a look-up for each.
-- Locks: the deleted rows.
-- Waives one-shard: a batch has tasks of many users.
DELETE FROM tasks AS t
USING unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
WHERE
    t.user_id = given.user_id AND t.id = given.id
    AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = t.user_id)
