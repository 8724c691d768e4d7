-- Deletes those of the given conversations that are still due for a purge, and with them, by the
-- foreign key, their messages; returns how many conversations. One that is appended to or restored
-- at this moment is passed over.
-- Index: conversations_pkey (user_id, id); the cascade uses idx_messages_conversation_created.
-- Locks: the conversations' rows, of which none is waited for, and their messages.
-- Waives optional-filter: the keys say which rows; a user's id only tells Citus the shard.
WITH locked AS (
    -- Asked again of the locked rows, with IS TRUE, as in archive.sql.
    SELECT c.user_id, c.id
    FROM unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
    JOIN conversations AS c ON c.user_id = given.user_id AND c.id = given.id
    WHERE
        (
            c.status = 'archived'
            AND c.updated_at < now() - :older_than::interval
            AND coalesce(c.archived_at, c.updated_at) < now() - :older_than::interval
        ) IS TRUE
        AND c.user_id = coalesce(:user_id::text, c.user_id)
    FOR UPDATE OF c SKIP LOCKED
), purged AS (
    DELETE FROM conversations AS c
    USING locked
    WHERE
        c.user_id = locked.user_id AND c.id = locked.id
        AND c.user_id = coalesce(:user_id::text, c.user_id)
    RETURNING 1
)
SELECT count(*) AS purged
FROM purged
