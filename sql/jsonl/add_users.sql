-- Makes the given users that are absent. Users who exist are left out before the INSERT, as in
-- users/ensure.sql.
-- Index: the primary key of users.
-- Locks: the new rows, in the order of ids, so that imports with the same users wait rather than
--   deadlock.
-- Waives one-shard: an import makes many users at once.
INSERT INTO users (id)
SELECT given.id
FROM unnest(:user_ids::text[]) AS given (id)
WHERE given.id NOT IN (SELECT u.id FROM users AS u WHERE u.id = ANY (:user_ids::text[]))
ORDER BY given.id
ON CONFLICT (id) DO NOTHING
