-- Makes a conversation, or returns the stored one where the id is repeated.
-- Index: conversations_pkey (user_id, id), the primary key of users.
-- Locks: the new row, and the user's row FOR KEY SHARE (its foreign key).
WITH stored AS (
    SELECT id, user_id, status, created_at, updated_at
    FROM conversations
    WHERE user_id = :user_id AND id = :id::uuid
), added AS (
    INSERT INTO conversations AS c (id, user_id)
    -- The owner comes from a table, as in tasks/create.sql.
    SELECT :id::uuid, u.id
    FROM users AS u
    WHERE u.id = :user_id AND NOT EXISTS (SELECT 1 FROM stored)
    -- Met only in a race. DO NOTHING would return no row there: the winner's is not in the
    -- statement's snapshot.
    ON CONFLICT (user_id, id) DO UPDATE SET status = c.status
    RETURNING c.id, c.user_id, c.status, c.created_at, c.updated_at
)
SELECT * FROM stored
UNION ALL
SELECT * FROM added
