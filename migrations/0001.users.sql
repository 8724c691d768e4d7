-- users: whose data it is. Every row of the other tables belongs to a user, and is deleted with it.
--
-- An earlier phase of the product may have made this table already, with columns of its own. Then
-- it is used as it is: no column, comment or index is added, and no rollback drops it. Foreign keys
-- will point at it, so it needs an id of a character type, unique by itself, and the migrating role
-- needs the right to refer to it (GRANT REFERENCES). A view named users can't be pointed at.
--
-- "Already" means anywhere on the search path, which is how every later statement finds it.
-- CREATE TABLE IF NOT EXISTS looks into the first schema only: under search_path = app, public it
-- made an app table that hid the one in public. Hence to_regclass(), which walks the whole path.
--
-- The mark. A table made by these migrations has a comment that begins with the migration's name.
-- A rollback drops a table of the current schema that bears this mark, and no other. What follows
-- the colon may be reworded. A copy restored without comments has lost the mark. Then users and
-- tasks, which may be an earlier phase's, stay; conversations and messages, which can only be ours,
-- stop a rollback until `dal mark` has compared them and marked them again.

DO $$
BEGIN
    IF to_regclass('users') IS NULL THEN

        CREATE TABLE users (
            -- What the login knows the user by, so nothing here generates one. As characters, any
            -- login's will do (a UUID, an e-mail address, a number), at the price of more bytes
            -- than a uuid in every key that follows. The limit keeps the widest index entry far
            -- below the maximum of a B-tree; text is stored no differently.
            id         varchar(255) PRIMARY KEY,

            -- timestamptz is an instant. A timestamp would be read differently in each session's
            -- time zone.
            created_at timestamptz  NOT NULL DEFAULT now()
        );

        COMMENT ON TABLE users IS
            'dal 0001.users: owners of tasks and conversations; deleting one deletes all they have';

    ELSIF NOT EXISTS (
        SELECT
        FROM pg_index AS key
        JOIN pg_attribute AS id ON id.attrelid = key.indrelid AND id.attnum = key.indkey[0]
        JOIN pg_type AS type ON type.oid = id.atttypid
        WHERE key.indrelid = to_regclass('users')
          AND key.indisunique AND key.indnkeyatts = 1 AND key.indpred IS NULL
          AND id.attname = 'id' AND type.typcategory = 'S'
    ) THEN

        RAISE EXCEPTION 'foreign keys can''t refer to the existing %.users, whose id is %',
            (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = to_regclass('users')),
            coalesce(
                (SELECT format_type(atttypid, atttypmod) FROM pg_attribute
                 WHERE attrelid = to_regclass('users') AND attname = 'id' AND NOT attisdropped),
                'missing'
            )
            USING HINT = 'They need a table with an id of type varchar or text, unique by itself.';

    END IF;
END
$$;
