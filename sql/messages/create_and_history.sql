-- Appends a message as create.sql does, and returns the window of :limit messages that ends with
-- it, oldest first. `stale`: others committed messages while this statement waited for the
-- conversation; its snapshot is older than they are, so the window lacks them. Run again, it
-- finds the message stored and gives the whole window.
-- Index: messages_pkey (user_id, id), conversations_pkey (user_id, id),
--   idx_messages_conversation_created (conversation_id, user_id, created_at DESC, id DESC), one
--   range.
-- Locks: the conversation's row until the transaction ends, as in create.sql.
WITH conversation AS (
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
        SELECT last_message_at
        FROM conversations
        WHERE user_id = :user_id AND id = :conversation_id::uuid
    ) AS seen
    CROSS JOIN (
        -- Waits for an append under way, and then has the time that it left, which `seen` lacks.
        SELECT id, last_message_at
        FROM conversations
        WHERE
            user_id = :user_id AND id = :conversation_id::uuid
            -- As in create.sql.
            AND NOT EXISTS (SELECT 1 FROM messages WHERE user_id = :user_id AND id = :id::uuid)
        FOR NO KEY UPDATE
    ) AS locked
    -- The id also as the parameter: no plan can then read the user's other conversations.
    WHERE c.user_id = :user_id AND c.id = :conversation_id::uuid AND c.id = locked.id
    RETURNING
        c.id, c.last_message_at,
        locked.last_message_at IS DISTINCT FROM seen.last_message_at AS stale
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
), stored AS MATERIALIZED (
    -- The message, where it was stored before, and those before it.
    SELECT id, conversation_id, user_id, role, content, metadata, created_at
    FROM messages
    WHERE user_id = :user_id AND id = :id::uuid AND NOT EXISTS (SELECT 1 FROM conversation)
    UNION ALL
    (
        SELECT id, conversation_id, user_id, role, content, metadata, created_at
        FROM messages
        WHERE
            -- As in history.sql.
            conversation_id = ANY (ARRAY[:conversation_id::uuid]) AND user_id = :user_id
            AND (created_at, id) < (
                coalesce(
                    (SELECT conversation.last_message_at FROM conversation),
                    (SELECT created_at FROM messages WHERE user_id = :user_id AND id = :id::uuid)
                ),
                :id::uuid
            )
            -- Where CTEs run one after another (Citus), the new message is in the table already.
            AND id <> :id::uuid
        ORDER BY conversation_id, created_at DESC, id DESC
        LIMIT (SELECT :limit::bigint - 1)
    )
)
SELECT
    id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at,
    false AS conflict,
    EXISTS (SELECT 1 FROM conversation WHERE conversation.stale) AS stale
FROM added
UNION ALL
SELECT
    id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at,
    (
        id IS NOT DISTINCT FROM :id::uuid
        AND (conversation_id, role, content, metadata)
        IS DISTINCT FROM
        (:conversation_id::uuid, :role::text, :content::text, :metadata::text::jsonb)
    ) AS conflict,
    false AS stale
FROM stored
ORDER BY created_at, id
