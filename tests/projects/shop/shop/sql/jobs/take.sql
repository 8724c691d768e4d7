-- Takes the jobs that are due; those that another worker is taking are passed over.
WITH due AS (
    SELECT id
    FROM jobs
    WHERE taken_at IS NULL AND due_at <= :now
    ORDER BY due_at, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE jobs
    SET taken_at = :now
    FROM due
    WHERE jobs.id = due.id
    RETURNING jobs.id, jobs.kind, jobs.payload, jobs.due_at
)
SELECT id, kind, payload::text AS payload
FROM taken
ORDER BY due_at, id;
