-- Whether a user has anything to export. The rows decide, not `users`: a table that was there
-- before dal may hold the same name written in another way.
-- Index: idx_tasks_user_id and idx_conversations_user_id, one entry of each.
-- Locks: none.
SELECT
    -- In an order that only an index has, and with an OFFSET, which keeps it: where few users own
    -- much the planner expects to meet a row soon, and would read a table from end to end for it.
    EXISTS (
        SELECT FROM tasks
        WHERE user_id = :user_id
        ORDER BY created_at DESC, id DESC
        OFFSET 0
    )
    OR EXISTS (
        SELECT FROM conversations
        WHERE user_id = :user_id
        ORDER BY updated_at DESC, id DESC
        OFFSET 0
    ) AS owns
