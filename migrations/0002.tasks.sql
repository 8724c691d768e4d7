-- depends: 0001.users
--
-- tasks: what a user has to do.
--
-- Like users, the table may be there already, even in another shape. Then it stays as it is, and
-- the functions of dal.tasks, which alone depend on the shape, say what differs.
--
-- The foreign key locks users against writes (SHARE ROW EXCLUSIVE) until this migration commits.
-- There are no rows to check, so that is a matter of milliseconds, but it queues behind open
-- transactions that have written to users.

DO $$
BEGIN
    IF to_regclass('tasks') IS NULL THEN

        CREATE TABLE tasks (
            -- Made by the caller before it sends, so that a repeated INSERT meets its own row; the
            -- default is for rows typed by hand. Random (version 4) and so without order:
            -- created_at has that. gen_random_uuid() is built in, no extension is needed.
            id           uuid         NOT NULL DEFAULT gen_random_uuid(),
            user_id      varchar(255) NOT NULL REFERENCES users (id) ON DELETE CASCADE,

            -- Not blank. Blank is empty, or ASCII white space only: '\S' would ask the locale what
            -- a space is, and a title taken under one could fail to restore under another. The
            -- functions of dal.tasks refuse Unicode's spaces as well.
            title        varchar(255) NOT NULL
                CONSTRAINT chk_task_title CHECK (title ~ '[^ \t\n\v\f\r]'),

            description  text,

            -- Two columns for one fact: a boolean to filter by, and the time to show. The CHECK
            -- keeps them from contradicting each other.
            completed    boolean      NOT NULL DEFAULT false,
            completed_at timestamptz,
            CONSTRAINT chk_task_completed_at CHECK (completed = (completed_at IS NOT NULL)),

            created_at   timestamptz  NOT NULL DEFAULT now(),
            updated_at   timestamptz  NOT NULL DEFAULT now()
        );

        -- One page of a user's tasks, newest first, is one range of this index. id decides between
        -- equal times, which rows of one transaction have: without it a page could start in the
        -- middle of a tie, and skip or repeat rows.
        CREATE INDEX idx_tasks_user_id ON tasks (user_id, created_at DESC, id DESC);

        -- The same for open or for completed tasks alone. Without it a user's few open tasks are
        -- searched among all the completed ones. It costs one more entry a task, and completing a
        -- task can't be a HOT update, since completed is indexed. Editing a text can: updated_at is
        -- in no index, one reason to list tasks by created_at.
        CREATE INDEX idx_tasks_user_completed
            ON tasks (user_id, completed, created_at DESC, id DESC);

        -- The owner is part of the key, in this table and in the next two. So a row can't be
        -- addressed without saying whose it is, an id reveals nothing about other users' rows,
        -- a reference can insist on one owner at both ends (0004), and the tables distribute by
        -- owner as they are (Citus wants the distribution column in every unique key). The
        -- prefix also serves the cascade from users.
        -- The price: a wider key, uniqueness of id per owner only, and WHERE id = ... alone
        -- scans the table.
        -- After the other indexes: where the planner knows nothing of a table, or next to nothing,
        -- a look-up by the whole key costs the same by each of them, and it takes the one that was
        -- made last. By another one it may read all that the user has. A restored dump has the key
        -- first; REINDEX INDEX CONCURRENTLY tasks_pkey makes it the last again.
        ALTER TABLE tasks ADD PRIMARY KEY (user_id, id);

        COMMENT ON TABLE tasks IS
            'dal 0002.tasks: what users have to do; listed newest first, by created_at';
        COMMENT ON COLUMN tasks.completed_at IS 'set exactly when completed';

    END IF;
END
$$;
