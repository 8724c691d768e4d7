"""sql/grants.sql is what a service needs: all of it, and nothing beyond."""

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

import dal
from dal import Database
from dal.errors import DalError, NotFoundError, PermissionDeniedError
from dal.jsonl import export_everyone, import_lines
from dal.migrate import grants
from tests.isolation.conftest import Service
from tests.surface import FUNCTIONS, ID, VALUES, arguments, call, fill, settle

OTHERS = [
    "CREATE TABLE later (secret text)",
    "CREATE SCHEMA accounts",
    "CREATE TABLE accounts.passwords (secret text)",
    "CREATE SEQUENCE counter",
]


@pytest.fixture
async def owner(service: Service) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the tables' owner, after it has made tables that are none of dal's."""
    connection = await asyncpg.connect(service.admin)
    for statement in OTHERS:
        await connection.execute(statement)
    yield connection
    await connection.close()


@pytest.fixture(params=["the role itself", "a member of it"])
async def limited(
    request: pytest.FixtureRequest, service: Service, owner: asyncpg.Connection
) -> AsyncIterator[Database]:
    url = service.urls[request.param == "a member of it"]
    async with dal.connect(url, min_size=1) as db:
        yield db


async def test_every_function_works(limited: Database) -> None:
    for name, function in FUNCTIONS.items():
        await fill(limited)
        assert await call(function, limited, arguments(function, VALUES)), name


async def test_lines_go_in_and_out(limited: Database) -> None:
    await fill(limited)
    lines = [line async for line in export_everyone(limited)]
    changed = [line.replace(b'"ada"', b'"eve"') for line in lines]
    await import_lines(limited, changed)
    # A conversation that is there already is locked, and its recency moves.
    more = json.loads(lines[-1]) | {"messages": [{"role": "user", "content": "One more"}]}
    summary = await import_lines(limited, [json.dumps(more).encode()])
    assert (summary.known_conversations, summary.messages) == (1, 1)


async def test_each_privilege_is_needed(service: Service, owner: asyncpg.Connection) -> None:
    privileges = await owner.fetch(
        """
        SELECT relname, '' AS columns, privilege_type
        FROM pg_class, aclexplode(relacl) WHERE grantee = $1::text::regrole
        UNION ALL
        SELECT attrelid::regclass::text, format('(%I)', attname), privilege_type
        FROM pg_attribute, aclexplode(attacl) WHERE grantee = $1::text::regrole
        """,
        service.role,
    )
    assert len(privileges) >= 20
    for table, columns, privilege in privileges:
        block = owner.transaction()
        await block.start()
        await fill(owner)
        await owner.execute(f"REVOKE {privilege} {columns} ON {table} FROM {service.role}")
        await owner.execute(f"SET LOCAL ROLE {service.role}")
        assert await denied(owner), (privilege, columns, table)
        await block.rollback()


async def denied(connection: asyncpg.Connection) -> bool:
    """Whether one of the functions lacks a privilege."""
    for function in FUNCTIONS.values():
        try:
            await call(function, connection, arguments(function, VALUES))
        except NotFoundError:
            continue
        except PermissionDeniedError:
            return True
    return False


async def test_there_is_no_privilege_on_any_other_relation(
    limited: Database, owner: asyncpg.Connection
) -> None:
    reached = await limited.fetch("""
        SELECT relname
        FROM pg_class
        WHERE
            relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            AND CASE relkind
                WHEN 'S' THEN has_sequence_privilege(oid, 'USAGE, SELECT, UPDATE')
                WHEN 'r' THEN
                    has_table_privilege(oid, 'DELETE, TRUNCATE, TRIGGER')
                    OR has_any_column_privilege(oid, 'SELECT, INSERT, UPDATE, REFERENCES')
            END
        ORDER BY relname
    """)
    assert [row["relname"] for row in reached] == ["conversations", "messages", "tasks", "users"]
    everything = await owner.fetch("SELECT FROM pg_class WHERE relname LIKE '%yoyo%'")
    assert len(everything) > 1


FORBIDDEN = [
    # DDL
    "CREATE TABLE extra ()",
    "CREATE TEMPORARY TABLE extra ()",
    "CREATE SCHEMA extra",
    "CREATE VIEW extra AS SELECT id FROM users",
    "CREATE FUNCTION extra() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE INDEX ON messages (role)",
    "CREATE TRIGGER extra BEFORE INSERT ON messages"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE DATABASE extra",
    "CREATE ROLE extra",
    "ALTER TABLE messages ADD extra int",
    "ALTER TABLE messages DISABLE TRIGGER ALL",
    "ALTER TABLE messages DROP CONSTRAINT chk_message_role",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "COMMENT ON TABLE messages IS NULL",
    "TRUNCATE messages",
    "DROP TABLE messages",
    "DROP TABLE later",
    # Tables that are none of the service's
    "SELECT FROM _yoyo_migration",
    "DELETE FROM _yoyo_migration",
    "SELECT secret FROM later",
    "INSERT INTO later VALUES ('')",
    "SELECT FROM accounts.passwords",
    "SELECT nextval('counter')",
    "SELECT rolpassword FROM pg_authid",
    # What never changes: keys, owners, what was said, and when
    "UPDATE users SET created_at = now()",
    "INSERT INTO users (id, created_at) VALUES ('eve', now())",
    *(
        f"UPDATE {table} SET {column} = {column}"
        for table, columns in {
            "tasks": ("id", "user_id", "created_at"),
            "conversations": ("id", "user_id", "created_at"),
            "messages": (
                *("id", "user_id", "conversation_id", "content", "metadata"),
                "created_at",
            ),
        }.items()
        for column in columns
    ),
    # Ways around
    "SET session_replication_role = replica",
    "SET SESSION AUTHORIZATION {owner}",
    "SET ROLE {owner}",
    "COPY messages TO PROGRAM 'true'",
    "COPY messages FROM '/dev/null'",
    "SELECT pg_read_file('postgresql.conf')",
]


async def test_nothing_else_is_allowed(limited: Database, owner: asyncpg.Connection) -> None:
    await settle(owner, "ada", ID)
    name = await owner.fetchval("SELECT quote_ident(current_user)")
    allowed = []
    for statement in FORBIDDEN:
        try:
            await limited.execute(statement.format(owner=name))
        except asyncpg.InsufficientPrivilegeError:
            continue
        allowed.append(statement)
    assert allowed == []


async def test_without_the_grants_every_function_is_denied_and_says_what_to_do(
    service: Service, owner: asyncpg.Connection
) -> None:
    await fill(owner)
    await owner.execute(f"DROP OWNED BY {service.role}")
    async with dal.connect(service.urls[0], min_size=1) as db:
        for name, function in FUNCTIONS.items():
            with pytest.raises(
                DalError, match=rf"^{name}.*: .*dal grants prints what it needs"
            ) as caught:
                await call(function, db, arguments(function, VALUES))
            assert type(caught.value) is PermissionDeniedError


def test_what_only_the_databases_owner_can_take_away_is_printed_as_a_comment() -> None:
    lines = grants.own("a service").splitlines()
    revokes = [line for line in lines if "REVOKE" in line]
    assert revokes == [
        "--     REVOKE TEMPORARY ON DATABASE chat FROM PUBLIC;",
        "--     REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
    ]
