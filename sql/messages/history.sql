-- The last messages of a conversation, or the page before a keyset cursor, newest first.
-- Index: idx_messages_conversation_created (conversation_id, user_id, created_at DESC, id DESC),
--   one range.
-- Locks: none.
SELECT id, conversation_id, user_id, role, content, metadata::text AS metadata, created_at
FROM messages
WHERE
    -- The subselect hides the value: a custom plan that knows a quiet conversation would walk
    -- idx_messages_created_at through other people's rows.
    conversation_id = (SELECT :conversation_id::uuid)
    AND user_id = :user_id
    -- Without a cursor the first page: the sentinels keep the comparison an index condition.
    AND (created_at, id) < (
        coalesce(:before_time::timestamptz, 'infinity'),
        coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    )
ORDER BY created_at DESC, id DESC
LIMIT :limit
