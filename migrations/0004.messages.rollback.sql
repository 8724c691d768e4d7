-- Drops messages if 0004.messages.sql made it, with every row.
-- Dropping the foreign key locks conversations (ACCESS EXCLUSIVE) until the commit.

DO $$
BEGIN
    IF starts_with(
        obj_description(to_regclass(format('%I.messages', current_schema())), 'pg_class'),
        'dal 0004.messages:'
    ) THEN
        DROP TABLE messages;
    END IF;
END
$$;
