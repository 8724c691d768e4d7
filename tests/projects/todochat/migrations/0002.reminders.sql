-- depends: dal 0002.tasks
--
-- When a user wants to hear of a task.

CREATE TABLE reminders (
    user_id text NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    task_id uuid NOT NULL,
    remind_at timestamptz NOT NULL,
    sent_at timestamptz CHECK (sent_at >= remind_at),
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, task_id) REFERENCES tasks ON DELETE CASCADE
);

CREATE INDEX idx_reminders_user ON reminders (user_id, remind_at, id);
CREATE INDEX idx_reminders_task ON reminders (user_id, task_id);
