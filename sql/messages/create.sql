-- Appends a message and moves its conversation's recency, or returns the stored message where
-- the id is repeated, and moves nothing (in a race with its twin it moves the recency by a
-- moment). `conflict` says that the stored one differs.
-- Index: messages_pkey (user_id, id), conversations_pkey (user_id, id).
-- Locks: the conversation's row until the transaction ends. The message's time is taken under
--   this lock: that is why order by time is order of commit.
WITH conversation AS (
    UPDATE conversations
    SET
        -- Above the last message's time, whatever the clocks and the table's triggers do. Via UTC
        -- because timestamptz + interval is not immutable (Citus demands that).
        last_message_at = greatest(
            now(),
            (greatest(updated_at, last_message_at) AT TIME ZONE 'UTC' + interval '1 microsecond')
            AT TIME ZONE 'UTC'
        ),
        updated_at = greatest(
            now(),
            (greatest(updated_at, last_message_at) AT TIME ZONE 'UTC' + interval '1 microsecond')
            AT TIME ZONE 'UTC'
        )
    WHERE
        user_id = :user_id AND id = :conversation_id::uuid
        -- Not through the CTE `stored`: Citus would run one more command.
        AND NOT EXISTS (SELECT FROM messages WHERE user_id = :user_id AND id = :id::uuid)
    RETURNING id, last_message_at
), added AS (
    INSERT INTO messages AS m (id, conversation_id, user_id, role, content, metadata, created_at)
    SELECT
        :id::uuid, c.id, c.user_id,
        :role::text, :content::text, :metadata::text::jsonb, conversation.last_message_at
    FROM conversation
    -- The row again: where the tables are distributed (Citus), an INSERT that reads none of them is
    -- sent to every node.
    JOIN conversations AS c ON c.id = conversation.id
    WHERE c.user_id = :user_id AND c.id = :conversation_id::uuid
    -- Met only in a race. DO NOTHING would return no row there: the winner's is not in the
    -- statement's snapshot. Where the winner's message differs, a division by zero undoes the move
    -- of the conversation: plain SQL has no other way to raise an error.
    ON CONFLICT (user_id, id) DO UPDATE SET role = left(
        m.role,
        20 / (
            (m.conversation_id, m.role, m.content, m.metadata)
            IS NOT DISTINCT FROM
            (excluded.conversation_id, excluded.role, excluded.content, excluded.metadata)
        )::integer
    )
    RETURNING m.id, m.conversation_id, m.user_id, m.role, m.content, m.metadata, m.created_at
), stored AS MATERIALIZED (  -- the last: where CTEs run one after another (Citus), it sees all
    SELECT id, conversation_id, user_id, role, content, metadata, created_at
    FROM messages
    WHERE user_id = :user_id AND id = :id::uuid
)
SELECT
    id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at,
    false AS conflict
FROM added
UNION ALL
SELECT
    id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at,
    (
        (conversation_id, role, content, metadata)
        IS DISTINCT FROM
        (:conversation_id::uuid, :role::text, :content::text, :metadata::text::jsonb)
    ) AS conflict
FROM stored
LIMIT 1  -- as soon as one is added, stored is not read
