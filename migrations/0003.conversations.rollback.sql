-- Drops conversations if 0003.conversations.sql made it, with every row. One without the mark is
-- not passed over in silence: the next run would find it in the way.
-- Dropping the foreign key locks users (ACCESS EXCLUSIVE) until the commit.

DO $$
BEGIN
    IF starts_with(
        obj_description(to_regclass(format('%I.conversations', current_schema())), 'pg_class'),
        'dal 0003.conversations:'
    ) THEN
        DROP TABLE conversations;
    ELSIF to_regclass('conversations') IS NOT NULL THEN
        RAISE EXCEPTION '% does not bear the mark of 0003.conversations', to_regclass('conversations')
            USING HINT = 'If it lost its comment, `dal mark` compares it and marks it. Then repeat.';
    END IF;
END
$$;
