-- Writes the statement that counts the rows of tables.
--
-- Plain reads of the catalogue; nothing is locked.

SELECT format(
    'SELECT ARRAY[%s]',
    string_agg(format('(SELECT count(*) FROM %s)', id::regclass), ', ' ORDER BY place)
) AS statement
FROM unnest(:tables::oid[]) WITH ORDINALITY AS given (id, place)
