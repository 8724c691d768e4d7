-- Whether the stored messages are the same as the given ones; a time that is not given (NULL) is
-- not compared.
-- Index: messages_pkey (user_id, id).
-- Locks: none.
-- Waives one-shard: an import compares those of many users at once.
SELECT
    m.user_id, m.id,
    -- A JSON null, which others may have written, is no metadata either.
    (
        (m.conversation_id, m.role, m.content, nullif(m.metadata, 'null'), m.created_at)
        IS NOT DISTINCT FROM (
            given.conversation_id, given.role, given.content, given.metadata::jsonb,
            coalesce(given.created_at, m.created_at)
        )
    ) AS same
FROM unnest(
    :user_ids::text[], :messages_id::uuid[], :conversation_ids::uuid[], :messages_role::text[],
    :messages_content::text[], :messages_metadata::text[], :messages_created_at::timestamptz[]
) AS given (user_id, id, conversation_id, role, content, metadata, created_at)
JOIN messages AS m ON m.user_id = given.user_id AND m.id = given.id
ORDER BY m.user_id, m.id
