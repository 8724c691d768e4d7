-- What keeps dal from working in this database, or changes its rows behind its back: one a row,
-- with the migration that it concerns. `dal migrate`, `baseline`, `status` and `check` name it.
--
--     stops     one user would be taken for another: `dal migrate` does not begin
--     changes   what is read may not be what was written
--     unmarked  no rollback drops the table until `dal baseline` has given its comment back
--     hidden    tables of dal are in a schema that the search_path leaves out, or has later
--
-- Plain reads of the catalogue; nothing is locked.

WITH made (name, migration, owner) AS (
    VALUES
    ('users', '0001.users', 'id'),
    ('tasks', '0002.tasks', 'user_id'),
    ('conversations', '0003.conversations', 'user_id'),
    ('messages', '0004.messages', 'user_id')
), ours AS (
    SELECT
        made.name, migration, owner, pg_class.oid AS id, relrowsecurity, relforcerowsecurity,
        starts_with(obj_description(pg_class.oid, 'pg_class'), format('dal %s:', migration))
            AS has_ownership_comment
    FROM made
    JOIN pg_class ON pg_class.oid = to_regclass(made.name)
), obstacle (kind, migration, name, problem, help) AS (
    -- Owners are compared as text by statements and foreign keys, from one table to another. Types
    -- that are no text at all are the migrations' to refuse. A domain has the output function of
    -- its base type. A table of tasks that was there before serves only the functions of dal.tasks.
    SELECT
        CASE name WHEN 'tasks' THEN 'changes' ELSE 'stops' END, migration, name,
        format(
            '%s.%I has type %s: ids that differ as text may compare equal', id::regclass, attname,
            concat_ws(
                ' COLLATE ', format_type(atttypid, atttypmod),
                CASE WHEN NOT collisdeterministic THEN attcollation::regcollation END)),
        format(
            'ALTER TABLE %s ALTER %I TYPE varchar(255) COLLATE "default"', id::regclass, attname)
    FROM ours
    JOIN pg_attribute ON attrelid = id AND attname = owner
    JOIN pg_type ON pg_type.oid = atttypid
    LEFT JOIN pg_collation ON pg_collation.oid = attcollation
    WHERE NOT collisdeterministic
       OR typcategory IN ('S', 'Z') AND typoutput NOT IN ('textout'::regproc, 'varcharout'::regproc)
    UNION ALL
    -- Those that run for each row (1) before it is written (2): later ones find it written.
    SELECT
        'changes', migration, name,
        format(
            'the trigger %I on %s (BEFORE %s) may change rows, or leave them out',
            tgname, id::regclass,
            concat_ws(
                ' OR ', CASE WHEN tgtype & 4 > 0 THEN 'INSERT' END,
                CASE WHEN tgtype & 8 > 0 THEN 'DELETE' END,
                CASE WHEN tgtype & 16 > 0 THEN 'UPDATE' END)),
        format('see what its function does: %s', tgfoid::regproc)
    FROM ours
    JOIN pg_trigger ON tgrelid = id
    WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & 3 = 3
    UNION ALL
    SELECT
        'changes', migration, name,
        format(
            'the rule %I on %s (ON %s DO %s) may change what is written, or leave it out',
            rulename, id::regclass,
            CASE ev_type WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' ELSE 'DELETE' END,
            CASE WHEN is_instead THEN 'INSTEAD' ELSE 'ALSO' END),
        'see what it does in pg_rules'
    FROM ours
    JOIN pg_rewrite ON ev_class = id
    WHERE rulename <> '_RETURN' AND ev_enabled IN ('O', 'A')
    UNION ALL
    SELECT
        'changes', migration, name,
        format(
            'row-level security on %s is forced, so that its owner misses what policies hide',
            id::regclass),
        'see what they do in pg_policies'
    FROM ours
    WHERE relrowsecurity AND relforcerowsecurity
    UNION ALL
    -- As ALTER TABLE ... DISABLE TRIGGER ALL leaves it, with which rows are loaded in bulk.
    SELECT DISTINCT
        'changes', migration, name,
        format(
            'the foreign key %I of %s does not act: triggers on %s are disabled',
            conname, conrelid::regclass, id::regclass),
        format('ALTER TABLE %s ENABLE TRIGGER ALL, and look for orphans', id::regclass)
    FROM ours
    JOIN pg_trigger ON tgrelid = id
    JOIN pg_constraint ON pg_constraint.oid = tgconstraint
    WHERE tgisinternal AND tgenabled IN ('D', 'R')
    UNION ALL
    -- users and tasks may have been there before.
    SELECT
        'unmarked', migration, name,
        format(
            '%s lacks the comment `dal %s:` that dal puts on its tables', id::regclass, migration),
        'if it is a copy that lost its comments, `dal baseline` compares it and restores them'
    FROM ours
    WHERE has_ownership_comment IS NOT TRUE AND name IN ('conversations', 'messages')
    UNION ALL
    -- As when a schema of the role's own comes to stand before them ("$user").
    SELECT
        'hidden', migration, name,
        format(
            '%s is in the schema %I, but migrations go into %I, with which the search_path begins',
            id::regclass, nspname, current_schema()),
        format('let it begin with %I', nspname)
    FROM ours
    JOIN pg_class ON pg_class.oid = id
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE name = 'conversations' AND has_ownership_comment AND nspname <> current_schema()
    UNION ALL
    SELECT
        'hidden', migration, name,
        format('the schema %I has tables of dal, and is not on the search_path', nspname),
        format(
            'where they are meant, ALTER DATABASE %I SET search_path = %I',
            current_database(), nspname)
    FROM made
    JOIN pg_class ON relname = made.name
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE
        name = 'conversations' AND to_regclass(name) IS NULL
        AND starts_with(obj_description(pg_class.oid, 'pg_class'), format('dal %s:', migration))
)
SELECT kind, migration, name, problem, help
FROM obstacle
ORDER BY migration, problem COLLATE "C";
