-- Deletes the given tasks; the caller gives those of one user. A statement apart from the one that
-- finds them: not knowing the size of a batch, the planner would expect so many rows that it would
-- read the whole table.
-- Index: tasks_pkey (user_id, id), a look-up for each.
-- Locks: the deleted rows, in the order given.
-- Waives one-shard: the keys are one user's, but the planner sees them as any.
DELETE FROM tasks AS t
USING unnest(:keys_user_id::text[], :keys_id::uuid[]) AS given (user_id, id)
WHERE t.user_id = given.user_id AND t.id = given.id
