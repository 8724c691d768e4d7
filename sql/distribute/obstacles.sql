-- What keeps tables from being distributed by their owners' columns, one a row. Tables and columns
-- come as arrays of one length, the first table being the one that the others are placed with.
--
-- Plain reads of the catalogue; nothing is locked.

WITH given AS (
    SELECT place, id::oid AS id, owner, attnum, atttypid, atttypmod, attcollation
    FROM unnest(:tables::bigint[], :owners::text[]) WITH ORDINALITY AS given (id, owner, place)
    JOIN pg_attribute ON attrelid = id AND attname = owner
), key AS (
    SELECT pg_constraint.*, own.attnum AS own_owner, other.attnum AS other_owner
    FROM pg_constraint
    LEFT JOIN given AS own ON own.id = conrelid
    LEFT JOIN given AS other ON other.id = confrelid
    WHERE contype = 'f' AND (own.id IS NOT NULL OR other.id IS NOT NULL) AND conparentid = 0
), obstacle (kind, problem, help) AS (
    SELECT
        'trigger', format('the trigger %I on %s, which would not fire', tgname, id::regclass),
        format('DROP TRIGGER %I ON %s', tgname, id::regclass)
    FROM given
    JOIN pg_trigger ON tgrelid = id
    WHERE NOT tgisinternal
    UNION ALL
    SELECT
        'unique key', format('the unique key %s of %s is without %I', indexrelid::regclass,
            id::regclass, owner),
        format('make it one of (%I, ...), or say in [tool.dal] that the table has no owner', owner)
    FROM given
    JOIN pg_index ON indrelid = id
    WHERE (indisunique OR indisexclusion) AND NOT attnum = ANY (indkey::int2[])
    UNION ALL
    SELECT
        'inheritance', format('%s inherits, or is inherited from', id::regclass),
        'take it out with ALTER TABLE ... NO INHERIT or DETACH PARTITION'
    FROM given
    WHERE
        EXISTS (SELECT FROM pg_inherits WHERE id IN (inhrelid, inhparent))
        OR EXISTS (SELECT FROM pg_class WHERE oid = id AND relkind = 'p')
    UNION ALL
    SELECT
        'type', format('%s.%I is %s, and %s.%I is %s', given.id::regclass, given.owner,
            format_type(given.atttypid, NULL), first.id::regclass, first.owner,
            format_type(first.atttypid, NULL)),
        'give both one type and collation'
    FROM given
    JOIN given AS first ON first.place = 1
    WHERE (given.atttypid, given.attcollation) <> (first.atttypid, first.attcollation)
    UNION ALL
    SELECT
        'stays behind', format('the foreign key %I from %s to %s, one of which would stay behind',
            conname, conrelid::regclass, confrelid::regclass),
        format('ALTER TABLE %s DROP CONSTRAINT %I, or say in [tool.dal] what the other''s owner is',
            conrelid::regclass, conname)
    FROM key
    WHERE own_owner IS NULL OR other_owner IS NULL
    UNION ALL
    SELECT
        'foreign key', format('the foreign key %I from %s to %s does not refer to the owner',
            conname, conrelid::regclass, confrelid::regclass),
        'let both sides of it contain the owner, in the same place'
    FROM key
    WHERE
        own_owner IS NOT NULL AND other_owner IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM unnest(conkey, confkey) AS pair (own, other)
            WHERE (own, other) = (own_owner, other_owner)
        )
    UNION ALL
    SELECT
        'foreign key', format('the foreign key %I of %s may change the owner of a row', conname,
            conrelid::regclass),
        'use NO ACTION, RESTRICT or ON DELETE CASCADE'
    FROM key
    WHERE
        own_owner = ANY (conkey) AND other_owner IS NOT NULL
        AND (confdeltype IN ('n', 'd') OR confupdtype IN ('n', 'd', 'c'))
)
SELECT kind, problem, help
FROM obstacle
ORDER BY kind, problem COLLATE "C"
