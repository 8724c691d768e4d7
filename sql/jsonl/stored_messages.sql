-- Those of the given ids that are taken by messages, in whichever conversation. Apart from
-- compare_messages.sql, so that the contents of new messages are sent once.
-- Index: messages_pkey (user_id, id).
-- Locks: none.
-- Waives one-shard: an import looks for those of many users at once.
SELECT m.user_id, m.id
FROM unnest(:user_ids::text[], :message_ids::uuid[]) AS given (user_id, id)
JOIN messages AS m ON m.user_id = given.user_id AND m.id = given.id
ORDER BY m.user_id, m.id
