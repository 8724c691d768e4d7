-- The privileges of a service that uses dal, and nothing more: no DDL, no other table, no migration
-- marks. Run it as the tables' owner after each `make migrate`, with the role's name:
--
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -v service=chat_service -f sql/grants.sql
--
-- The role itself is yours to make: CREATE ROLE chat_service LOGIN PASSWORD '...';

-- users.ensure reads whole rows (an earlier phase's table may lack created_at) and inserts; where two
-- callers race it updates id to itself.
GRANT SELECT, INSERT (id), UPDATE (id) ON users TO :"service";
-- Only users.delete needs this. Leave it out where users are the accounts of another service.
GRANT DELETE ON users TO :"service";

GRANT SELECT, INSERT, UPDATE, DELETE ON tasks, conversations TO :"service";

-- A message never changes: role is updated to itself where two repeats of one create race.
GRANT SELECT, INSERT, UPDATE (role), DELETE ON messages TO :"service";
