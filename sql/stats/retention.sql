-- How many conversations are active, stale, archived, and due for a purge. Each count reads at most
-- `limit` entries of the index, from the end where its rows are likely to be: `more` says that it
-- stopped at this limit, so there may be others.
-- Index: idx_conversations_updated_at (updated_at DESC, status), the beginning of a range for each;
--   what is due is looked at in the rows.
-- Locks: none.
-- Waives nullable on more: both numbers are there.
-- Waives unbounded-index-scan on conversations: the LIMIT ends it.
-- Waives owner-filter: retention applies to all users' conversations.
-- Waives one-shard: retention applies to all users' conversations.
-- Waives refused-by-citus: it is not sent there.
SELECT name, counted AS rows, read >= :limit::bigint AS more
FROM (
    SELECT
        1 AS place, 'active' AS name,
        count(*) FILTER (WHERE status = 'active') AS counted, count(*) AS read
    FROM (
        SELECT status
        FROM conversations
        ORDER BY updated_at DESC
        LIMIT (SELECT :limit::bigint)
    ) AS newest
    UNION ALL
    -- Archiving begins with the oldest, so those that it has not reached yet are at this end.
    SELECT 2, 'stale', count(*) FILTER (WHERE status = 'active'), count(*)
    FROM (
        SELECT status
        FROM conversations
        WHERE updated_at < now() - :older_than::interval
        ORDER BY updated_at DESC
        LIMIT (SELECT :limit::bigint)
    ) AS untouched
    UNION ALL
    SELECT 3, 'archived', count(*) FILTER (WHERE status = 'archived'), count(*)
    FROM (
        SELECT status
        FROM conversations
        ORDER BY updated_at
        LIMIT (SELECT :limit::bigint)
    ) AS oldest
    UNION ALL
    SELECT
        4, 'due for purge',
        count(*) FILTER (
            WHERE status = 'archived'
            AND coalesce(archived_at, updated_at) < now() - :archived_for::interval
        ),
        count(*)
    FROM (
        SELECT status, archived_at, updated_at
        FROM conversations
        WHERE updated_at < now() - :archived_for::interval
        ORDER BY updated_at
        LIMIT (SELECT :limit::bigint)
    ) AS oldest
) AS counts
ORDER BY place
