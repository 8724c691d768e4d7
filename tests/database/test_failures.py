"""What PostgreSQL's failures become: the right error, with its attributes, and nothing secret."""

import asyncio
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import psycopg
import pytest

import dal
from dal import conversations, errors, tasks, users
from dal.binding import Executor, Queries
from dal.database.failures import explain_connect, translated
from dal.database.transaction import begin

SECRET = "correct-horse"

Probe = Callable[..., Awaitable[None]]


@pytest.fixture(scope="module")
def url(module_database: str) -> str:
    """One database for all of these tests: what they change, they roll back."""
    return module_database


@pytest.fixture
async def transaction(db: dal.Database) -> AsyncIterator[dal.Transaction]:
    """A transaction that is never committed, and a user in it whose id is the secret."""

    class RollBackError(Exception):
        pass

    with suppress(RollBackError):
        async with db.transaction() as transaction:
            await users.ensure(transaction, user_id=SECRET)
            yield transaction
            raise RollBackError


@pytest.fixture
def bound(tmp_path: Path) -> Callable[[str], Probe]:
    """Binds a service's own statement, whose parameter is `:value`, as the query `probe`."""

    def bind(sql: str) -> Probe:
        (tmp_path / "probe.sql").write_text(sql)

        @Queries(tmp_path)("probe.sql")
        async def probe(db: Executor, *, value: str) -> None:
            raise NotImplementedError

        return probe

    return bind


@contextmanager
def failing(
    kind: type[errors.DalError],
    advice: str,
    *,
    query: str | None = "probe",
    sqlstate: str | None,
    constraint: str | None = None,
) -> Iterator[None]:
    """The block raises exactly this error, and nothing that a log could show of it is secret."""
    with pytest.raises(errors.DalError, match=advice) as raised:
        yield
    error = raised.value
    assert type(error) is kind
    known = {"query": query, "sqlstate": sqlstate, "constraint": constraint}
    assert vars(error) == known | ({"errors": []} if kind is errors.InvalidInputError else {})
    assert error.__cause__ is None
    assert error.__context__ is None
    assert SECRET not in "".join([repr(error), *traceback.format_exception(error)])


@pytest.mark.parametrize(
    ("sqlstate", "kind", "advice", "constraint", "sql"),
    [
        (
            "22P02",
            errors.InvalidInputError,
            "refuses this: SQLSTATE 22P02",
            None,
            "SELECT :value::text::int",
        ),
        (
            "23502",
            errors.SchemaMismatchError,
            "conversations requires a status",
            None,
            "INSERT INTO conversations (user_id, status) VALUES (:value, NULL)",
        ),
        (
            "23503",
            errors.ConflictError,
            "refuses this: constraint conversations_user_id_fkey",
            "conversations_user_id_fkey",
            "INSERT INTO conversations (user_id) VALUES (:value || '?')",
        ),
        (
            "23505",
            errors.ConflictError,
            "refuses this: constraint users_pkey",
            "users_pkey",
            "INSERT INTO users (id) VALUES (:value)",
        ),
        (
            "23514",
            errors.InvalidInputError,
            "refuses this: constraint chk_conversation_status",
            "chk_conversation_status",
            "INSERT INTO conversations (user_id, status) VALUES (:value, 'odd')",
        ),
        # What a cluster does as a COPY, whose failures are internal errors there.
        (
            "23502",
            errors.SchemaMismatchError,
            "conversations requires a status",
            None,
            "INSERT INTO conversations (user_id, status) SELECT :value, NULL",
        ),
        (
            "23503",
            errors.ConflictError,
            "refuses this: constraint conversations_user_id_fkey",
            "conversations_user_id_fkey",
            "INSERT INTO conversations (user_id) SELECT :value || '?'",
        ),
        (
            "23505",
            errors.ConflictError,
            "refuses this: constraint users_pkey",
            "users_pkey",
            "INSERT INTO users (id) SELECT :value",
        ),
        (
            "23514",
            errors.InvalidInputError,
            "refuses this: constraint chk_conversation_status",
            "chk_conversation_status",
            "INSERT INTO conversations (user_id, status) SELECT :value, 'odd'",
        ),
        (
            "3F000",
            errors.SchemaMismatchError,
            'schema "absent" does not exist; run `dal migrate`',
            None,
            "SELECT absent.f(:value::text)",
        ),
        (
            "42703",
            errors.SchemaMismatchError,
            'column "absent" does not exist; run `dal migrate`',
            None,
            "SELECT absent FROM users WHERE id = :value",
        ),
        (
            "42P01",
            errors.SchemaMismatchError,
            'relation "absent" does not exist; run `dal migrate`',
            None,
            "SELECT 1 FROM absent WHERE id = :value",
        ),
        # A name that is a value, so that the server's text quotes it.
        (
            "42P01",
            errors.SchemaMismatchError,
            "run `dal migrate`",
            None,
            "SELECT :value::text::regclass",
        ),
    ],
)
async def test_the_server_refuses_a_statement(
    transaction: dal.Transaction,
    bound: Callable[[str], Probe],
    sqlstate: str,
    kind: type[errors.DalError],
    advice: str,
    constraint: str | None,
    sql: str,
) -> None:
    probe = bound(sql)
    with failing(kind, advice, sqlstate=sqlstate, constraint=constraint):
        await probe(transaction, value=SECRET)


@pytest.mark.parametrize(
    ("sqlstate", "kind", "advice"),
    [
        ("08006", errors.ConnectionLostError, "repeat it with the same id"),
        ("23001", errors.ConflictError, "refuses this: SQLSTATE 23001"),
        ("25P03", errors.ConnectionLostError, "repeat it with the same id"),
        ("25P04", errors.ConnectionLostError, "repeat it with the same id"),
        ("28000", errors.ConfigurationError, "check the user and the password"),
        ("3D000", errors.ConfigurationError, "check its name"),
        ("40000", errors.TransactionConflictError, "repeat this one"),
        ("40003", errors.ConnectionLostError, "repeat it with the same id"),
        ("42000", errors.SchemaMismatchError, "run `dal migrate`"),
        ("53100", errors.DatabaseUnavailableError, "try again"),
        ("53300", errors.DatabaseUnavailableError, "lower max_size"),
        ("54001", errors.InvalidInputError, "refuses this: SQLSTATE 54001"),
        ("57P01", errors.ConnectionLostError, "repeat it with the same id"),
        ("57P02", errors.ConnectionLostError, "repeat it with the same id"),
        ("57P03", errors.DatabaseUnavailableError, "try again"),
        ("57P05", errors.ConnectionLostError, "repeat it with the same id"),
        ("CIINF", errors.TransactionConflictError, "repeat this one"),
        ("P0001", errors.DalError, "failed with SQLSTATE P0001; its log says more"),
        ("XX001", errors.DalError, "failed with SQLSTATE XX001; its log says more"),
    ],
)
async def test_failures_that_only_a_server_in_trouble_has(
    transaction: dal.Transaction,
    bound: Callable[[str], Probe],
    sqlstate: str,
    kind: type[errors.DalError],
    advice: str,
) -> None:
    await transaction.execute(f"""
        CREATE FUNCTION fail(value text) RETURNS int LANGUAGE plpgsql AS $$
        BEGIN
            RAISE 'no %', value USING ERRCODE = '{sqlstate}', DETAIL = value, HINT = value;
        END $$
    """)
    probe = bound("SELECT fail(:value)")
    with failing(kind, advice, sqlstate=sqlstate):
        await probe(transaction, value=SECRET)


@pytest.mark.parametrize("sent", ["its own SQLSTATE", "XX000"])
@pytest.mark.parametrize(
    ("sqlstate", "kind", "advice", "constraint", "text"),
    [
        (
            "40003",
            errors.ConnectionLostError,
            "repeat it with the same id",
            None,
            "could not commit transaction for shard 102024 on at least one active node",
        ),
        (
            "08006",
            errors.ConnectionLostError,
            "repeat it with the same id",
            None,
            "server closed the connection unexpectedly\n\tThis probably means",
        ),
        (
            "23502",
            errors.SchemaMismatchError,
            "conversations requires a status",
            None,
            'null value in column "status" of relation "conversations_102019" violates not-null'
            " constraint",
        ),
        (
            "23503",
            errors.ConflictError,
            "refuses this: constraint conversations_user_id_fkey",
            "conversations_user_id_fkey",
            'insert or update on table "conversations_102018" violates foreign key constraint'
            ' "conversations_user_id_fkey_102018"',
        ),
        (
            "23503",
            errors.ConflictError,
            "refuses this: constraint orders_user_id_fkey",
            "orders_user_id_fkey",
            'update or delete on table "users_102018" violates foreign key constraint'
            ' "orders_user_id_fkey_102033" on table "orders_102033"',
        ),
        (
            "23505",
            errors.ConflictError,
            "refuses this: constraint users_pkey",
            "users_pkey",
            'duplicate key value violates unique constraint "users_pkey_102011"',
        ),
        (
            "23514",
            errors.InvalidInputError,
            "refuses this: constraint chk_conversation_status",
            "chk_conversation_status",
            'new row for relation "conversations_102019" violates check constraint'
            ' "chk_conversation_status"',
        ),
        (
            "40001",
            errors.TransactionConflictError,
            "repeat this one",
            None,
            "could not serialize access due to concurrent update",
        ),
        (
            "40P01",
            errors.TransactionConflictError,
            "repeat this one",
            None,
            "deadlock detected",
        ),
        (
            "55P03",
            errors.TransactionConflictError,
            "repeat this one",
            None,
            "canceling statement due to lock timeout",
        ),
    ],
)
async def test_what_a_worker_of_a_cluster_refuses(
    transaction: dal.Transaction,
    bound: Callable[[str], Probe],
    sent: str,
    sqlstate: str,
    kind: type[errors.DalError],
    advice: str,
    constraint: str | None,
    text: str,
) -> None:
    """The coordinator passes the text on, without the fields that name a constraint."""
    await transaction.execute(f"""
        CREATE FUNCTION fail(value text) RETURNS int LANGUAGE plpgsql AS $$
        BEGIN
            RAISE '{text}' USING
                ERRCODE = '{"XX000" if sent == "XX000" else sqlstate}',
                DETAIL = 'Key (id)=(' || value || ') already exists.';
        END $$
    """)
    probe = bound("SELECT fail(:value)")
    with failing(kind, advice, sqlstate=sqlstate, constraint=constraint):
        await probe(transaction, value=SECRET)


@pytest.mark.parametrize(
    ("sqlstate", "kind", "advice", "change"),
    [
        ("25006", errors.DatabaseUnavailableError, "primary", "SET transaction_read_only = on"),
        ("42501", errors.PermissionDeniedError, "dal grants", "SET LOCAL ROLE pg_monitor"),
        (
            "42P01",
            errors.SchemaMismatchError,
            '"conversations" does not exist; run `dal migrate`',
            "DROP TABLE conversations CASCADE",
        ),
        (
            "42703",
            errors.SchemaMismatchError,
            '"status" does not exist; run `dal migrate`',
            "ALTER TABLE conversations DROP status",
        ),
        (
            "23502",
            errors.SchemaMismatchError,
            "conversations requires a tenant",
            "ALTER TABLE conversations ADD tenant text NOT NULL",
        ),
    ],
)
async def test_a_database_that_is_not_as_expected(
    transaction: dal.Transaction,
    sqlstate: str,
    kind: type[errors.DalError],
    advice: str,
    change: str,
) -> None:
    await transaction.execute(change)
    with failing(kind, advice, query="conversations.create", sqlstate=sqlstate):
        await conversations.create(transaction, user_id=SECRET)


async def test_an_absent_parent(transaction: dal.Transaction) -> None:
    with failing(
        errors.UserNotFoundError,
        r"call users\.ensure first",
        query="conversations.create",
        sqlstate=None,
    ):
        await conversations.create(transaction, user_id=f"{SECRET}?")


async def test_a_column_of_another_type(
    transaction: dal.Transaction, bound: Callable[[str], Probe]
) -> None:
    probe = bound("SELECT :value::int")
    with failing(
        errors.SchemaMismatchError,
        "the database expects another type than the stub's",
        sqlstate=None,
    ):
        await probe(transaction, value=SECRET)


async def test_a_column_whose_type_changes_under_a_transaction(
    transaction: dal.Transaction,
) -> None:
    assert await tasks.get(transaction, user_id=SECRET, task_id=uuid4()) is None
    await transaction.execute("ALTER TABLE tasks ALTER title TYPE text")
    with failing(errors.TransactionConflictError, "repeat it", query="tasks.get", sqlstate="0A000"):
        await tasks.get(transaction, user_id=SECRET, task_id=uuid4())


# Time limits


async def test_a_lock_timeout(
    db: dal.Database, ada: str, chat: dal.Conversation, transaction: dal.Transaction
) -> None:
    async with db.transaction() as holder:
        await conversations.touch(holder, user_id=ada, conversation_id=chat.id)
        await transaction.execute("SET LOCAL lock_timeout = '10ms'")
        with failing(
            errors.TransactionConflictError,
            "repeat this one",
            query="conversations.touch",
            sqlstate="55P03",
        ):
            await conversations.touch(transaction, user_id=ada, conversation_id=chat.id)


async def test_a_statement_timeout(
    transaction: dal.Transaction, bound: Callable[[str], Probe]
) -> None:
    await transaction.execute("SET LOCAL statement_timeout = '10ms'")
    probe = bound("SELECT pg_sleep(60), :value::text")
    with failing(errors.QueryTimeoutError, "nothing happened", sqlstate="57014"):
        await probe(transaction, value=SECRET)


async def test_a_command_timeout(db: dal.Database, url: str, bound: Callable[[str], Probe]) -> None:
    probe = bound("SELECT pg_sleep(60), :value::text")
    async with dal.connect(url, min_size=1, max_size=1, command_timeout=1) as quick:
        [backend] = await quick.fetch("SELECT pg_backend_pid()")
        with failing(errors.ConnectionLostError, "within command_timeout", sqlstate=None):
            await probe(quick, value=SECRET)
        # The statement has ended in the server too, and its connection is still of use.
        assert await quick.fetch("SELECT pg_backend_pid()") == [backend]


# Connections


async def test_a_server_that_is_read_only(url: str) -> None:
    url += ("&" if "?" in url else "?") + "default_transaction_read_only=on"
    async with dal.connect(url, min_size=1) as standby:
        assert await users.get(standby, user_id=SECRET) is None
        with failing(
            errors.DatabaseUnavailableError, "primary", query="users.ensure", sqlstate="25006"
        ):
            await users.ensure(standby, user_id=SECRET)


async def test_connections_that_died_while_they_were_idle(url: str) -> None:
    async with dal.connect(url, min_size=3, max_size=3, application_name="idle") as db:

        async def at_the_second_try() -> None:
            try:
                await users.get(db, user_id="ada")
            except errors.ConnectionLostError:
                await users.get(db, user_id="ada")

        with psycopg.connect(url) as other:  # it blocks the event loop: nobody tells asyncpg
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'idle'"
            )
        with failing(errors.ConnectionLostError, "repeat it", query="users.get", sqlstate="08003"):
            await users.get(db, user_id="ada")
        await asyncio.gather(*(at_the_second_try() for _ in range(9)))
        assert 1 <= db.stats().size <= 3
        assert db.stats().in_use == 0


@pytest.mark.parametrize("state", ["not awaited", "being opened", "closing", "closed"])
async def test_a_pool_that_is_not_open(url: str, state: str) -> None:
    pool = asyncpg.create_pool(url, min_size=1)
    pending, connection = [], None
    if state == "being opened":
        pending.append(asyncio.create_task(awaited(pool)))
        await asyncio.sleep(0)
    elif state != "not awaited":
        await pool
        connection = await pool.acquire()
        pending.append(asyncio.create_task(pool.close()))
        await asyncio.sleep(0)
        if state == "closed":
            await pool.release(connection)
            await pending[0]
    advice = "^users.get: this pool is not open .*; nothing was sent"
    with failing(errors.DalError, advice, query="users.get", sqlstate=None):
        await users.get(pool, user_id=SECRET)
    if state == "closing":
        await pool.release(connection)
    await asyncio.gather(*pending)
    if state == "being opened":
        await pool.close()


async def awaited(pool: asyncpg.Pool) -> None:
    await pool


async def test_a_connection_that_is_gone(url: str) -> None:
    """For a function, one that broke is the same as one that was given back."""
    async with asyncpg.create_pool(url, min_size=1) as pool:
        connection: Any = await pool.acquire()
        await pool.release(connection)
        advice = "^users.get: the connection went back to its pool.*; nothing was sent"
        with failing(errors.ConnectionLostError, advice, query="users.get", sqlstate=None):
            await users.get(connection, user_id=SECRET)
    own = await asyncpg.connect(url)
    await own.close()
    with failing(errors.ConnectionLostError, "broke", query="users.get", sqlstate=None):
        await users.get(own, user_id=SECRET)


async def test_a_transaction_that_was_begun_by_sql(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN")
    advice = "begun by SQL.*; nothing was sent"
    with failing(errors.DalError, advice, query=None, sqlstate=None):
        async with begin(connection):
            pass
    await connection.close()


async def test_another_misuse_of_a_connection(url: str) -> None:
    """None of asyncpg's other refusals is a broken connection either."""
    connection = await asyncpg.connect(url)
    advice = "^asyncpg refuses this use of a connection or pool, and nothing was sent"
    with failing(errors.DalError, advice, query=None, sqlstate=None):
        await translated(connection.fetch, "SELECT $1::text, $2::text", SECRET)
    await connection.close()


def test_a_certificate_is_not_an_address() -> None:
    error = explain_connect(ssl.SSLCertVerificationError("self-signed certificate"))
    assert "not a PostgreSQL address" not in str(error)
    assert isinstance(error, errors.ConfigurationError | errors.DatabaseUnavailableError)
