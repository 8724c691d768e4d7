-- A page of the messages of some conversations of a user, conversation by conversation, each in
-- chronological order from a keyset cursor in the first one on: as many as fit into `bytes`, and
-- one at least. `page_rows`: how many there were before the bytes were counted, by which the caller
-- knows whether some did not fit.
-- Index: idx_messages_conversation_created (conversation_id, user_id, created_at DESC, id DESC),
--   one range a conversation, read backwards.
-- Locks: none.
WITH page AS (
    SELECT given.place, m.*
    FROM unnest(:conversation_ids::uuid[]) WITH ORDINALITY AS given (id, place)
    CROSS JOIN LATERAL (
        SELECT id, conversation_id, user_id, role, content, metadata, created_at
        FROM messages
        WHERE
            -- As in history.sql; the other way round, because the index is read backwards.
            conversation_id = ANY (ARRAY[given.id])
            AND user_id = (SELECT :user_id::text)  -- hidden, as the limit is there
            AND user_id = :user_id  -- plain as well: only so Citus sees that it is one shard's
            AND (created_at, id) > (
                CASE
                    WHEN given.place = 1
                        THEN (SELECT coalesce(:after_time::timestamptz, '-infinity'))
                    ELSE '-infinity'
                END,
                CASE
                    WHEN given.place = 1
                        THEN (
                            SELECT coalesce(
                                :after_id::uuid, '00000000-0000-0000-0000-000000000000'
                            )
                        )
                    ELSE '00000000-0000-0000-0000-000000000000'
                END
            )
        ORDER BY conversation_id DESC, created_at, id
        LIMIT :limit
    ) AS m
    ORDER BY given.place, m.created_at, m.id
    LIMIT :limit
), stored AS (
    -- What a row is on disk costs nothing to know: no value is read for it.
    SELECT
        *,
        count(*) OVER () AS page_rows,
        sum(octet_length(content) + coalesce(pg_column_size(metadata), 0)) OVER (
            ORDER BY place, created_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS bytes_before
    FROM page
), printed AS MATERIALIZED (
    -- What it is as text may be far more, and is only known by printing it, here and once.
    SELECT
        place, id, conversation_id, user_id, role, content,
        nullif(metadata::text, 'null') AS metadata, created_at, page_rows
    FROM stored
    WHERE coalesce(bytes_before, 0) < :bytes::bigint
), measured AS (
    SELECT
        *,
        sum(octet_length(content) + coalesce(octet_length(metadata), 0)) OVER (
            ORDER BY place, created_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS bytes_before
    FROM printed
)
SELECT id, conversation_id, user_id, role, content, metadata, created_at, page_rows
FROM measured
WHERE coalesce(bytes_before, 0) < :bytes::bigint
ORDER BY place, created_at, id
