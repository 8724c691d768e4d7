-- Makes conversations. It fails where one of them exists.
-- Index: conversations_pkey (user_id, id).
-- Locks: the new rows, and the users' rows FOR KEY SHARE (their foreign key).
-- Waives one-shard: an import writes those of many users at once.
INSERT INTO conversations (
    user_id, id, status, created_at, updated_at, last_message_at, archived_at
)
SELECT
    given.user_id, given.id, given.status, given.created_at, given.updated_at,
    given.last_message_at, given.archived_at
FROM unnest(
    :conversations_user_id::text[], :conversations_id::uuid[], :conversations_status::text[],
    :conversations_created_at::timestamptz[], :conversations_updated_at::timestamptz[],
    :conversations_last_message_at::timestamptz[], :conversations_archived_at::timestamptz[]
) AS given (user_id, id, status, created_at, updated_at, last_message_at, archived_at)
