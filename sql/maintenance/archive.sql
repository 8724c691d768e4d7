-- Archives those of the given conversations that are still active and untouched, and returns how
-- many. One that is appended to at this moment is passed over.
-- Index: conversations_pkey (user_id, id).
-- Locks: the conversations' rows; none is waited for, so two runs, or a run and an append, can't
--   deadlock.
-- Waives optional-filter: the keys say which rows; a user's id only tells Citus the shard.
WITH locked AS (
    -- Asked again of the locked rows: they may have changed since they were picked. IS TRUE, or an
    -- index that holds these columns may be read for it, as far as they go, instead of the key's.
    SELECT c.user_id, c.id
    FROM unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
    JOIN conversations AS c ON c.user_id = given.user_id AND c.id = given.id
    WHERE
        (c.status = 'active' AND c.updated_at < now() - :older_than::interval) IS TRUE
        AND c.user_id = coalesce(:user_id::text, c.user_id)
    FOR NO KEY UPDATE OF c SKIP LOCKED
), archived AS (
    UPDATE conversations AS c
    SET status = 'archived', archived_at = now()
    FROM locked
    WHERE
        c.user_id = locked.user_id AND c.id = locked.id
        AND c.user_id = coalesce(:user_id::text, c.user_id)
    RETURNING 1
)
SELECT count(*) AS archived
FROM archived
