-- A page of users after an id, in the order of the ids' bytes, which is the same whatever the
-- collation of the database, and whether they have anything to export.
-- Index: none serves the order; each page scans users. Beside each one, an index of tasks and
--   one of conversations that begin with the owner.
-- Locks: none.
-- Waives seq-scan on users: the whole export only, a page of it for a thousand users.
-- Waives sort on users: the order of the bytes is no index's where the collation is another.
-- All users: the export of everyone begins with who there is.
SELECT
    u.id,
    -- OFFSET keeps each look-up apart: a plan may answer EXISTS for all users at once, from the
    -- whole table.
    EXISTS (SELECT FROM tasks AS t WHERE t.user_id = u.id OFFSET 0) AS tasks,
    EXISTS (SELECT FROM conversations AS c WHERE c.user_id = u.id OFFSET 0) AS conversations
FROM users AS u
WHERE u.id COLLATE "C" > :after::text
ORDER BY u.id COLLATE "C"
LIMIT :limit
