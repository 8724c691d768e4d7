-- Drops conversations if 0003.conversations.sql made it, with every row.
-- Dropping the foreign key locks users (ACCESS EXCLUSIVE) until the commit.

DO $$
BEGIN
    IF starts_with(
        obj_description(to_regclass(format('%I.conversations', current_schema())), 'pg_class'),
        'dal 0003.conversations:'
    ) THEN
        DROP TABLE conversations;
    END IF;
END
$$;
