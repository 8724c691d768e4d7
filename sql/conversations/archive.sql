-- Archives a conversation; its recency stays. One that is archived already keeps its archived_at.
-- Index: conversations_pkey (user_id, id).
-- Locks: the conversation's row; appends to it wait.
UPDATE conversations
SET
    status = 'archived',
    archived_at = CASE
        WHEN status = 'archived' THEN archived_at
        -- As a subselect, because Citus refuses now() in a CASE.
        ELSE (SELECT now())
    END
WHERE user_id = :user_id AND id = :conversation_id::uuid
RETURNING id, user_id, status, created_at, updated_at
