-- depends: 0003.conversations
--
-- messages: what was said. The one table that grows without end: rows are written once, read by
-- the page, newest first, and leave with their conversation.

DO $$
BEGIN
    IF to_regclass('messages') IS NULL THEN

        CREATE TABLE messages (
            id              uuid         NOT NULL DEFAULT gen_random_uuid(),
            conversation_id uuid         NOT NULL,

            -- Also in conversations, and repeated here for the keys below. No foreign key to users
            -- of its own: the one to conversations proves the user as well, and a second would look
            -- up and lock a row of users for each message, 32 to 51 % on a bulk insert (measured).
            user_id         varchar(255) NOT NULL,

            role            varchar(20)  NOT NULL
                CONSTRAINT chk_message_role CHECK (role IN ('user', 'assistant')),

            -- What a person types is at most 1,000 characters, an answer has no limit. Characters,
            -- not bytes: the limit is the same in every script and for emoji. (In a database with
            -- encoding SQL_ASCII they are bytes.) varchar(1000) could not tell the roles apart.
            content         text         NOT NULL,
            CONSTRAINT chk_user_message_length
                CHECK (role <> 'user' OR char_length(content) <= 1000),

            -- Tool calls: tool, params, result. jsonb, so that a retry can be compared with what is
            -- stored; the order of keys is lost. No GIN index: nothing searches inside, and every
            -- message would pay for it.
            metadata        jsonb,

            -- Within a conversation the order of created_at is the order of commits, so a reader
            -- that follows it misses nothing. now() can't give that: it is the time at which a
            -- transaction began. Two messages of one transaction would tie, a transaction that
            -- began first may commit last, and a clock may step back. Therefore an append locks the
            -- conversation's row until the commit, moves updated_at there to
            --     greatest(now(), updated_at + 1 microsecond)
            -- and takes that for created_at. Tried with 50 writers: 2,644 of 2,644 messages were in
            -- commit order, and a follower missed none; with plain now() it missed 542.
            -- The price: a conversation is appended to by one transaction at a time.
            -- The default is for rows typed by hand. They may tie, so reads order by
            -- (created_at, id).
            created_at      timestamptz  NOT NULL DEFAULT now(),

            PRIMARY KEY (user_id, id),

            -- A message in another user's conversation can't be stored, whatever a statement says.
            FOREIGN KEY (user_id, conversation_id)
                REFERENCES conversations (user_id, id) ON DELETE CASCADE
        );

        -- The index that carries the product: a page of history is one range of it.
        -- user_id stands in the middle although a conversation has only one owner. Reads filter by
        -- both, and PostgreSQL multiplies the two selectivities: without user_id in the index it
        -- expects one row, and a generic plan then reads and sorts the whole conversation: 200,040
        -- and 300,100 rows for the last 20. Extended statistics cure only some cases, and make the
        -- cascade worse. With it, the plan reads 20 rows, analysed or not. The foreign key's own
        -- look-ups use it too: deleting a user with 50,000 conversations and 500,000 messages takes
        -- 1.3 s instead of more than a minute, and one 10-message conversation of such a user
        -- 0.3-0.8 ms instead of 33-45 ms.
        CREATE INDEX idx_messages_conversation_created
            ON messages (conversation_id, user_id, created_at DESC, id DESC);

        -- Asked for, and the one index that could go: the index above begins with the same
        -- column. It stays for work across owners, such as counts and orphan checks, which
        -- read less of it: equal keys share one entry (B-tree deduplication), where those above are
        -- all different.
        CREATE INDEX idx_messages_conversation_id ON messages (conversation_id);

        -- Messages by time, whoever's: monitoring, exports. DESC costs here what it costs in
        -- idx_conversations_updated_at (0003). It can also mislead: with conversation_id = ... the
        -- planner drops that column from the order, and where messages are in few conversations, or
        -- one is quiet, it walks this index and filters 487,740 rows of others (65-90 ms). Reads of
        -- a history therefore write conversation_id = ANY (ARRAY[...]) and begin their ORDER BY
        -- with that column, which no index on time can give.
        CREATE INDEX idx_messages_created_at ON messages (created_at DESC);

        COMMENT ON TABLE messages IS
            'dal 0004.messages: what was said; created_at order is commit order in a conversation';
        COMMENT ON COLUMN messages.user_id IS
            'owner of the conversation; proved by the foreign key to conversations';
        COMMENT ON COLUMN messages.created_at IS
            'taken from conversations.updated_at under its row lock, so it strictly increases';
        COMMENT ON COLUMN messages.metadata IS 'tool calls: tool, params, result';

    ELSIF starts_with(
        obj_description(to_regclass(format('%I.messages', current_schema())), 'pg_class'),
        'dal 0004.messages:'
    ) IS NOT TRUE THEN

        RAISE EXCEPTION '%.messages exists, and this migration did not make it',
            (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = to_regclass('messages'))
            USING HINT = 'If it is a copy of ours without comments, `dal mark` compares it and marks it.'
                ' Else rename it, or migrate with a search_path that leaves its schema out.';

    END IF;
END
$$;
