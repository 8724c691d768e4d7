-- Appends a message and moves its conversation's recency, or returns the stored message where
-- the id is repeated, and moves nothing. `conflict` says that the stored one differs.
-- Index: messages_pkey (user_id, id), conversations_pkey (user_id, id).
-- Locks: the conversation's row until the transaction ends. The message's time is taken under
--   this lock: that is why order by time is order of commit.
WITH stored AS (
    SELECT id, conversation_id, user_id, role, content, metadata, created_at
    FROM messages
    WHERE user_id = :user_id AND id = :id::uuid
), conversation AS (
    UPDATE conversations
    -- Above the last message's time whatever the clocks do. Via UTC because timestamptz +
    -- interval is not immutable (Citus demands that).
    SET updated_at = greatest(
        now(), (updated_at AT TIME ZONE 'UTC' + interval '1 microsecond') AT TIME ZONE 'UTC'
    )
    WHERE
        user_id = :user_id AND id = :conversation_id::uuid
        AND NOT EXISTS (SELECT FROM stored)
    RETURNING id, user_id, updated_at
), added AS (
    INSERT INTO messages AS m (id, conversation_id, user_id, role, content, metadata, created_at)
    SELECT
        :id::uuid, conversation.id, conversation.user_id,
        :role::text, :content::text, :metadata::text::jsonb, conversation.updated_at
    FROM conversation
    -- Met only in a race. DO NOTHING would return no row there: the winner's is not in the
    -- statement's snapshot.
    ON CONFLICT (user_id, id) DO UPDATE SET role = m.role
    RETURNING m.id, m.conversation_id, m.user_id, m.role, m.content, m.metadata, m.created_at
), message AS (
    SELECT id, conversation_id, user_id, role, content, metadata, created_at
    FROM stored
    UNION ALL
    SELECT id, conversation_id, user_id, role, content, metadata, created_at
    FROM added
)
SELECT
    id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at,
    (
        (conversation_id, role, content, metadata)
        IS DISTINCT FROM
        (:conversation_id::uuid, :role::text, :content::text, :metadata::text::jsonb)
    ) AS conflict
FROM message
