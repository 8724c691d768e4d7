-- A page of the users, from a user id on. Where the tables are distributed (Citus), these are all
-- owners, and export_owners.sql is refused: it can't go from one owner to the next over all shards.
-- Index: the primary key of users, one range.
-- Locks: none.
-- Waives owner-filter: the export of everyone begins with who there is.
-- Waives one-shard: the export of everyone begins with who there is.
SELECT id
FROM users
WHERE id >= :first::text
ORDER BY id
LIMIT :limit
