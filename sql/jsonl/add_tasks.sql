-- Makes tasks, with new ids where none is given. It fails where one of the ids is taken.
-- Index: tasks_pkey (user_id, id).
-- Locks: the new rows, and the users' rows FOR KEY SHARE (their foreign key).
-- Waives one-shard: an import writes those of many users at once.
INSERT INTO tasks (
    user_id, id, title, description, completed, completed_at, created_at, updated_at
)
SELECT
    given.user_id, coalesce(given.id, gen_random_uuid()), given.title, given.description,
    coalesce(given.completed, false), given.completed_at, given.created_at, given.updated_at
FROM unnest(
    :user_ids::text[], :tasks_id::uuid[], :tasks_title::text[], :tasks_description::text[],
    :tasks_completed::boolean[], :tasks_completed_at::timestamptz[],
    :tasks_created_at::timestamptz[], :tasks_updated_at::timestamptz[]
) AS given (user_id, id, title, description, completed, completed_at, created_at, updated_at)
