-- The privileges of a service that uses dal, and nothing more: no DDL, no other table, no migration
-- history. Run it as the tables' owner after each `dal migrate`, with the role's name:
--
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -v service=chat_service -f sql/grants.sql
--
-- The role itself is yours to make: CREATE ROLE chat_service LOGIN PASSWORD '...';

-- PostgreSQL lets every role make temporary tables, and before version 15 any table in the schema
-- public. Whether to take that away is for the database's owner to decide. Run these once, with the
-- database's name; before version 15 the second takes a superuser.
--
--     REVOKE TEMPORARY ON DATABASE chat FROM PUBLIC;
--     REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- users.ensure reads whole rows (a table that was there before dal may lack created_at) and
-- inserts; where two callers race it updates id to itself.
GRANT SELECT, INSERT (id), UPDATE (id) ON users TO :"service";
-- Where the tables are distributed, run this as well: Citus sends created_at with each new user.
--
--     GRANT INSERT (created_at) ON users TO :"service";
--
-- Only users.delete needs this. Leave it out where users are the accounts of another service.
GRANT DELETE ON users TO :"service";

-- By columns, so that no statement of the service can give a row another id or another owner.
GRANT SELECT, INSERT, DELETE, UPDATE (status, updated_at, last_message_at, archived_at)
    ON conversations TO :"service";
GRANT SELECT, INSERT, DELETE, UPDATE (title, description, completed, completed_at, updated_at)
    ON tasks TO :"service";

-- A message never changes: role is updated to itself where two repeats of one create race.
GRANT SELECT, INSERT, DELETE, UPDATE (role) ON messages TO :"service";
