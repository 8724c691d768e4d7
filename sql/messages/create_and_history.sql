-- Appends a message as create.sql does, and returns the window of :limit messages that ends with
-- it, oldest first. `stale`: others committed messages while this statement waited for the
-- conversation; its snapshot is older than they are, so the window lacks them. Run again, it
-- finds the message stored and gives the whole window.
-- Index: messages_pkey (user_id, id), conversations_pkey (user_id, id),
--   idx_messages_conversation_created (conversation_id, user_id, created_at DESC, id DESC), one
--   range.
-- Locks: the conversation's row until the transaction ends, as in create.sql.
WITH stored AS (
    SELECT id, conversation_id, user_id, role, content, metadata, created_at
    FROM messages
    WHERE user_id = :user_id AND id = :id::uuid
), conversation AS (
    UPDATE conversations AS c
    SET
        -- As in create.sql.
        last_message_at = greatest(
            now(),
            (greatest(c.updated_at, c.last_message_at) AT TIME ZONE 'UTC'
            + interval '1 microsecond') AT TIME ZONE 'UTC'
        ),
        updated_at = greatest(
            now(),
            (greatest(c.updated_at, c.last_message_at) AT TIME ZONE 'UTC'
            + interval '1 microsecond') AT TIME ZONE 'UTC'
        )
    FROM (
        -- Waits for an append under way, and then sees the times that it left.
        SELECT id, last_message_at
        FROM conversations
        WHERE
            user_id = :user_id AND id = :conversation_id::uuid
            AND NOT EXISTS (SELECT 1 FROM stored)
        FOR NO KEY UPDATE
    ) AS locked
    -- The id also as the parameter: no plan can then read the user's other conversations.
    WHERE c.user_id = :user_id AND c.id = :conversation_id::uuid AND c.id = locked.id
    RETURNING c.id, c.last_message_at, locked.last_message_at AS last_before
), added AS (
    INSERT INTO messages AS m (id, conversation_id, user_id, role, content, metadata, created_at)
    SELECT
        :id::uuid, c.id, c.user_id,
        :role::text, :content::text, :metadata::text::jsonb, conversation.last_message_at
    FROM conversation
    -- As in create.sql.
    JOIN conversations AS c ON c.id = conversation.id
    WHERE c.user_id = :user_id AND c.id = :conversation_id::uuid
    -- Met only in a race, as in create.sql.
    ON CONFLICT (user_id, id) DO UPDATE SET role = left(
        m.role,
        20 / (
            (m.conversation_id, m.role, m.content, m.metadata)
            IS NOT DISTINCT FROM
            (excluded.conversation_id, excluded.role, excluded.content, excluded.metadata)
        )::integer
    )
    RETURNING m.id, m.conversation_id, m.user_id, m.role, m.content, m.metadata, m.created_at
), newest AS (
    SELECT * FROM stored
    UNION ALL
    SELECT * FROM added
), past AS (
    SELECT id, conversation_id, user_id, role, content, metadata, created_at
    FROM messages
    WHERE
        -- As in history.sql.
        conversation_id = ANY (ARRAY[:conversation_id::uuid]) AND user_id = :user_id
        AND (created_at, id) < (SELECT newest.created_at, newest.id FROM newest)
        -- Where CTEs run one after another (Citus), the new message is in the table already.
        AND id <> :id::uuid
    ORDER BY conversation_id, created_at DESC, id DESC
    LIMIT (SELECT :limit::bigint - 1)
)
SELECT
    id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at,
    (
        (conversation_id, role, content, metadata)
        IS DISTINCT FROM
        (:conversation_id::uuid, :role::text, :content::text, :metadata::text::jsonb)
    ) AS conflict,
    -- Compare last_message_at in this statement's snapshot with the value after locking: if it
    -- grew, others appended. NULL means no message yet.
    EXISTS (
        SELECT 1
        FROM conversations AS c
        JOIN conversation ON conversation.id = c.id
        WHERE
            c.user_id = :user_id AND c.id = :conversation_id::uuid
            AND coalesce(c.last_message_at, '-infinity')
            < coalesce(conversation.last_before, '-infinity')
    ) AS stale
FROM newest
UNION ALL
SELECT
    id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at,
    false AS conflict, false AS stale
FROM past
ORDER BY created_at, id
