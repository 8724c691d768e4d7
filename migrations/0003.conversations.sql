-- depends: 0001.users
--
-- conversations: the chats of a user, and the clock of their messages.
--
-- No earlier phase has this table, nor messages: one that is not ours means something else, and
-- the migration stops. One with our mark is complete (a migration is one transaction), so a run
-- cut short between the migration and yoyo's note of it can be repeated.

DO $$
BEGIN
    IF to_regclass('conversations') IS NULL THEN

        CREATE TABLE conversations (
            id         uuid         NOT NULL DEFAULT gen_random_uuid(),
            user_id    varchar(255) NOT NULL REFERENCES users (id) ON DELETE CASCADE,

            -- varchar and a CHECK, here and for messages.role, rather than an enum type, which
            -- would save a few bytes a row. A CHECK is replaced in one transaction, and validated
            -- without blocking writes; an enum can't lose a value, and a new one can't be used in
            -- the transaction that adds it.
            status     varchar(20)  NOT NULL DEFAULT 'active'
                CONSTRAINT chk_conversation_status CHECK (status IN ('active', 'archived')),

            created_at timestamptz  NOT NULL DEFAULT now(),

            -- Recency. Every message moves it, and takes its own time from it (0004), so it is
            -- never earlier than the newest message. Archiving leaves it alone.
            updated_at timestamptz  NOT NULL DEFAULT now()
        );

        -- All three indexes hold updated_at, so the update that comes with a message is never HOT:
        -- it writes one entry into each index, the primary key's included, and the table and its
        -- indexes level off at what is appended between two visits of autovacuum: 270 to 400 bytes
        -- an append. Measured at 5,500 appends a second, after 600,000 of them, the table stood at
        -- 5.4 times its size and the indexes at 18 times. A shorter autovacuum_naptime helps; a
        -- fillfactor changes nothing worth having, so none is set.

        -- One page of a user's conversations, latest first, is one range.
        CREATE INDEX idx_conversations_user_id ON conversations (user_id, updated_at DESC, id DESC);

        -- The same for the active or the archived ones alone.
        CREATE INDEX idx_conversations_user_status
            ON conversations (user_id, status, updated_at DESC, id DESC);

        -- Across users: what nobody has touched for a while, to archive or to purge; status rides
        -- along so that rows of the other status are passed over within the index.
        -- DESC as asked for, and dear: times arrive in order, so that the leftmost page is the one
        -- that always splits. A million rows take 39 MB, in an ascending index 21 MB, and that
        -- would serve the same queries, read backwards.
        CREATE INDEX idx_conversations_updated_at ON conversations (updated_at DESC, status);

        -- After the other indexes, as in 0002.
        ALTER TABLE conversations ADD PRIMARY KEY (user_id, id);

        COMMENT ON TABLE conversations IS
            'dal 0003.conversations: chats of a user; every message updates its row';
        COMMENT ON COLUMN conversations.updated_at IS
            'recency, and the clock of the messages: must never be earlier than the newest of them';

    ELSIF starts_with(
        obj_description(to_regclass(format('%I.conversations', current_schema())), 'pg_class'),
        'dal 0003.conversations:'
    ) IS NOT TRUE THEN

        RAISE EXCEPTION '%.conversations exists, and this migration did not make it',
            (SELECT relnamespace::regnamespace FROM pg_class
             WHERE oid = to_regclass('conversations'))
            USING HINT = 'If it is a copy of ours without comments, `dal mark` compares it and marks it.'
                ' Else rename it, or migrate with a search_path that leaves its schema out.';

    END IF;
END
$$;
