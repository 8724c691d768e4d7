-- Messages whose conversation does not exist, after a place in the order of keys. There are none
-- while the foreign key stands; a restore or a bulk load may have dropped it.
-- Index: messages_pkey (user_id, id) in order; beside each message a look-up in conversations_pkey.
-- Locks: none.
-- Waives owner-filter: it checks all users' rows.
-- Waives seq-scan on messages: it reads every row, once a month.
-- Waives seq-scan on conversations: the same, where all of them are compared at once.
-- Waives sort on messages: the same.
-- Waives sort on conversations: the same.
-- Waives one-shard: it checks all users' rows.
SELECT m.user_id, m.id
FROM messages AS m
WHERE
    (m.user_id, m.id) > (
        (SELECT coalesce(:after_user_id::text, '')),
        (SELECT coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000'))
    )
    AND NOT EXISTS (
        SELECT FROM conversations AS c WHERE c.user_id = m.user_id AND c.id = m.conversation_id
    )
ORDER BY m.user_id, m.id
LIMIT :batch::bigint  -- over several shards Citus takes no subselect here
