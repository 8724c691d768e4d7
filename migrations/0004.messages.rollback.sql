-- Drops messages if 0004.messages.sql made it, with every row; one without the mark stops it.
-- Dropping the foreign key locks conversations (ACCESS EXCLUSIVE) until the commit.

DO $$
BEGIN
    IF starts_with(
        obj_description(to_regclass(format('%I.messages', current_schema())), 'pg_class'),
        'dal 0004.messages:'
    ) THEN
        DROP TABLE messages;
    ELSIF to_regclass('messages') IS NOT NULL THEN
        RAISE EXCEPTION '% does not bear the mark of 0004.messages', to_regclass('messages')
            USING HINT = 'If it lost its comment, `dal mark` compares it and marks it. Then repeat.';
    END IF;
END
$$;
