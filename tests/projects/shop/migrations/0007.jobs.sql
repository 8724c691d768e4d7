-- Work that is done later, by whichever worker takes it first.

CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('mail', 'invoice')),
    payload jsonb NOT NULL,
    due_at timestamptz NOT NULL,
    taken_at timestamptz
);

CREATE INDEX idx_jobs_due ON jobs (due_at, id) WHERE taken_at IS NULL;
