-- Adds jobs; gives their ids.
WITH added AS (
    INSERT INTO jobs (kind, payload, due_at)
    SELECT kind, payload::jsonb, due_at
    FROM unnest(:jobs_kind::text[], :jobs_payload::text[], :jobs_due_at::timestamptz[])
        AS given (kind, payload, due_at)
    RETURNING id
)
SELECT id
FROM added
ORDER BY id;
