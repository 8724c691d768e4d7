-- Drops users if 0001.users.sql made it, with every row; an earlier phase's table has no mark and
-- stays. Without CASCADE, so that a table that came to refer to users since stops the rollback.

DO $$
BEGIN
    IF starts_with(
        obj_description(to_regclass(format('%I.users', current_schema())), 'pg_class'),
        'dal 0001.users:'
    ) THEN
        DROP TABLE users;
    ELSIF to_regclass('users') IS NOT NULL THEN
        RAISE NOTICE '% stays: it does not bear the mark of 0001.users', to_regclass('users');
    END IF;
END
$$;
