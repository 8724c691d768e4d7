-- Appends a batch of messages and moves the conversation's recency to the last one's time, or
-- returns those that are stored already, in the order given. `conflict` says that a stored one
-- differs; then nothing is appended.
-- Index: messages_pkey (user_id, id), conversations_pkey (user_id, id).
-- Locks: the conversation's row until the transaction ends. The batch takes one microsecond a
--   message under this lock, so nobody else's message comes between.
-- Waives nullable on conversation_id, user_id, role, content, created_at, conflict: a row that
-- has an id is a message, stored or added.
WITH batch AS (
    SELECT id::uuid, role, content, metadata::jsonb AS metadata, place
    FROM unnest(
        :messages_id::text[], :messages_role::text[],
        :messages_content::text[], :messages_metadata::text[]
    ) WITH ORDINALITY AS given (id, role, content, metadata, place)
), stored AS (
    SELECT
        m.*,
        (
            (m.conversation_id, m.role, m.content, m.metadata)
            IS DISTINCT FROM
            (:conversation_id::uuid, batch.role, batch.content, batch.metadata)
        ) AS conflict
    FROM batch
    -- One look-up for each: a join, or id = ANY(...), may read all the user's messages instead.
    CROSS JOIN LATERAL (
        SELECT id, conversation_id, user_id, role, content, metadata, created_at
        FROM messages
        WHERE user_id = :user_id AND id = batch.id
        LIMIT 1
    ) AS m
), missing AS (
    SELECT *, row_number() OVER (ORDER BY place DESC) - 1 AS from_end
    FROM batch
    WHERE
        id NOT IN (SELECT stored.id FROM stored)
        AND NOT EXISTS (SELECT FROM stored WHERE stored.conflict)
), conversation AS (
    UPDATE conversations
    SET
        -- As in create.sql, for the first of the batch; the others follow it.
        last_message_at = (
            greatest(
                now(),
                (greatest(updated_at, last_message_at) AT TIME ZONE 'UTC'
                + interval '1 microsecond') AT TIME ZONE 'UTC'
            ) AT TIME ZONE 'UTC'
            + ((SELECT count(*) FROM missing) - 1) * interval '1 microsecond'
        ) AT TIME ZONE 'UTC',
        updated_at = (
            greatest(
                now(),
                (greatest(updated_at, last_message_at) AT TIME ZONE 'UTC'
                + interval '1 microsecond') AT TIME ZONE 'UTC'
            ) AT TIME ZONE 'UTC'
            + ((SELECT count(*) FROM missing) - 1) * interval '1 microsecond'
        ) AT TIME ZONE 'UTC'
    WHERE
        user_id = :user_id AND id = :conversation_id::uuid
        AND EXISTS (SELECT FROM missing)
    RETURNING id, last_message_at
), added AS (
    INSERT INTO messages AS m (id, conversation_id, user_id, role, content, metadata, created_at)
    SELECT
        missing.id, c.id, c.user_id,
        missing.role, missing.content, missing.metadata,
        conversation.last_message_at - missing.from_end * interval '1 microsecond'
    FROM conversation
    -- As in create.sql.
    JOIN conversations AS c ON c.id = conversation.id
    CROSS JOIN missing
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
), message AS (
    SELECT * FROM stored
    UNION ALL
    SELECT *, false AS conflict FROM added
), placed AS (
    SELECT batch.place, message.*
    FROM batch
    -- FULL, and OFFSET to keep it so: any other join may become a nested loop, whose cost grows
    -- with the square of the batch.
    FULL JOIN message ON message.id = batch.id
    OFFSET 0
)
SELECT
    id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at, conflict
FROM placed
WHERE id IS NOT NULL
ORDER BY place
