-- Indexes that no key needs: neither unique themselves, nor the only ones that serve a foreign key.
-- `dal check` wants a statement whose plan uses each of them, or a line here that says why it
-- stays. (A comment on the index would be a migration, and the migrations are frozen.)
--
-- Waives unused-index on idx_messages_conversation_id: asked for; counts and checks across owners
-- read less of it.
-- Waives unused-index on idx_messages_created_at: asked for; messages by time, across users, in
-- monitoring and exports.
SELECT index.relname::text AS index
FROM pg_index AS own
JOIN pg_class AS index ON index.oid = indexrelid
JOIN pg_class AS of_table ON of_table.oid = indrelid
JOIN pg_namespace ON pg_namespace.oid = of_table.relnamespace
WHERE
    pg_table_is_visible(indrelid)
    AND nspname = ANY (current_schemas(false))
    AND NOT indisunique
    AND NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE
            contype = 'f' AND conrelid = own.indrelid
            AND conkey @> (own.indkey::int2[])[:cardinality(conkey) - 1]
            AND conkey <@ (own.indkey::int2[])[:cardinality(conkey) - 1]
            AND NOT EXISTS (
                SELECT FROM pg_index AS key
                WHERE
                    key.indrelid = conrelid AND key.indisunique AND key.indpred IS NULL
                    AND conkey @> (key.indkey::int2[])[:cardinality(conkey) - 1]
                    AND conkey <@ (key.indkey::int2[])[:cardinality(conkey) - 1]
            )
    )
ORDER BY index.relname;
