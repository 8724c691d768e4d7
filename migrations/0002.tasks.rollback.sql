-- Drops tasks if 0002.tasks.sql made it, with every row; an earlier phase's table stays.
-- Dropping the foreign key locks users (ACCESS EXCLUSIVE) until the commit.

DO $$
BEGIN
    IF starts_with(
        obj_description(to_regclass(format('%I.tasks', current_schema())), 'pg_class'),
        'dal 0002.tasks:'
    ) THEN
        DROP TABLE tasks;
    ELSIF to_regclass('tasks') IS NOT NULL THEN
        RAISE NOTICE '% stays: it does not bear the mark of 0002.tasks', to_regclass('tasks');
    END IF;
END
$$;
