-- Whether the stored ones among the given tasks are the same. What is not given (NULL) is not
-- compared, apart from the description; nor is updated_at, which is no content.
-- Index: tasks_pkey (user_id, id).
-- Locks: none.
-- Waives one-shard: an import compares those of many users at once.
SELECT
    t.user_id, t.id,
    (
        (t.title, t.description, t.completed, t.completed_at, t.created_at)
        IS NOT DISTINCT FROM (
            given.title, given.description, coalesce(given.completed, t.completed),
            coalesce(given.completed_at, t.completed_at), coalesce(given.created_at, t.created_at)
        )
    ) AS same
FROM unnest(
    :user_ids::text[], :tasks_id::uuid[], :tasks_title::text[], :tasks_description::text[],
    :tasks_completed::boolean[], :tasks_completed_at::timestamptz[],
    :tasks_created_at::timestamptz[], :tasks_updated_at::timestamptz[]
) AS given (user_id, id, title, description, completed, completed_at, created_at, updated_at)
JOIN tasks AS t ON t.user_id = given.user_id AND t.id = given.id
ORDER BY t.user_id, t.id
