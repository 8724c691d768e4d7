-- A page of users after an id, in the order of the ids' bytes, which is the same whatever the
-- collation of the database, and whether they have anything to export.
-- Index: none serves the order; each page scans users. Beside each one, the primary keys of tasks
--   and conversations.
-- Locks: none.
SELECT
    u.id,
    EXISTS (SELECT FROM tasks AS t WHERE t.user_id = u.id) AS tasks,
    EXISTS (SELECT FROM conversations AS c WHERE c.user_id = u.id) AS conversations
FROM users AS u
WHERE u.id COLLATE "C" > :after::text
ORDER BY u.id COLLATE "C"
LIMIT :limit
