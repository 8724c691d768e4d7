-- Moves updated_at and last_message_at of the given conversations up to their newest message,
-- never back; returns how many conversations.
-- Index: conversations_pkey (user_id, id); for each one entry of idx_messages_conversation_created.
-- Locks: the conversations' rows; appends to them wait. What is committed while this statement
--   waits for one has moved both by itself.
-- Waives optional-filter: the keys say which rows; a user's id only tells Citus the shard.
WITH newest AS (
    SELECT given.user_id, given.id, latest.created_at
    FROM unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
    CROSS JOIN LATERAL (
        SELECT m.created_at
        FROM messages AS m
        WHERE
            m.conversation_id = ANY (ARRAY[given.id]) AND m.user_id = given.user_id
            AND m.user_id = coalesce(:user_id::text, m.user_id)
        ORDER BY m.conversation_id, m.created_at DESC, m.id DESC
        LIMIT 1
    ) AS latest
), advanced AS (
    UPDATE conversations AS c
    SET
        updated_at = greatest(c.updated_at, newest.created_at),
        last_message_at = greatest(c.last_message_at, newest.created_at)
    FROM newest
    WHERE
        c.user_id = newest.user_id AND c.id = newest.id
        AND c.user_id = coalesce(:user_id::text, c.user_id)
    RETURNING 1
)
SELECT count(*) AS advanced
FROM advanced
