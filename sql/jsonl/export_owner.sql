-- Whether a user has anything to export. The rows decide, not `users`: a table of an earlier phase
-- may hold the same name written in another way.
-- Index: tasks_pkey and conversations_pkey (user_id, id), one entry of each.
-- Locks: none.
SELECT
    -- The subselect hides the value, so that one index entry is read, whoever has how many.
    EXISTS (SELECT FROM tasks WHERE user_id = (SELECT :user_id::text))
    OR EXISTS (SELECT FROM conversations WHERE user_id = (SELECT :user_id::text)) AS owns
