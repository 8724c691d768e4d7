"""The pool: opening, lending, recycling and closing it, and what it says when that fails."""

import asyncio
import gc
import inspect
import itertools
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import asyncpg
import pytest

import dal
from dal import conversations, errors, users
from dal.database.waiting_calls import WaitingCalls
from tests.database.backends import pid
from tests.faults.activity import ACTIVITY

SECRET = "correct-horse"


async def eventually(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(5):
        while not await condition():  # noqa: ASYNC110 the server can only be asked
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
async def complaints() -> AsyncIterator[list[str]]:
    """What the event loop was told to log. After each test there is none, nor any task left."""
    logged: list[str] = []

    def log(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # asyncpg leaves it to nobody where a connection over TCP is cancelled before it knows
        # whether the server has TLS.
        if str(context.get("exception")) != "unexpected connection_lost() call":
            logged.append(context["message"])

    asyncio.get_running_loop().set_exception_handler(log)
    yield logged

    async def alone() -> bool:
        return len(asyncio.all_tasks()) == 1

    await eventually(alone)
    gc.collect(1)  # what was not closed or awaited warns now, and warnings are errors
    assert logged == []


@pytest.fixture(scope="module")
def url(module_database: str) -> str:
    """One database for all of these tests: what they are about is not in its tables."""
    return module_database


async def value(db: dal.Executor, sql: str, *args: Any) -> Any:
    return (await db.fetch(sql, *args))[0][0]


async def backends(db: dal.Database, name: str) -> int:
    """How many connections a service of this name has."""
    count: int = await value(
        db, "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name
    )
    return count


async def waits_for_a_lock(db: dal.Database) -> bool:
    waits: bool = await value(
        db,
        f"SELECT count(*) > 0 FROM {ACTIVITY}"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    return waits


# Opening and closing


async def test_it_is_a_context_manager(url: str) -> None:
    async with dal.connect(url, min_size=1) as db:
        assert await db.ping() > 0
    with pytest.raises(errors.DatabaseUnavailableError, match=r"dal\.connect"):
        await db.ping()


async def test_it_can_be_awaited(url: str) -> None:
    db = await dal.connect(url, min_size=1)
    assert await db.ping() > 0
    await db.close()
    await db.close()
    with pytest.raises(errors.DatabaseUnavailableError, match="closed"):
        await db.ping()


async def test_it_can_be_opened_again(url: str) -> None:
    db = dal.connect(url, min_size=1)
    for _ in range(2):
        async with db:
            assert await db.ping() > 0


async def test_tasks_that_open_it_at_once_share_one_pool(db: dal.Database, url: str) -> None:
    shared = dal.connect(url, min_size=1, application_name="shared")

    async def opened() -> dal.Database:
        return await shared

    assert set(await asyncio.gather(opened(), opened())) == {shared}
    await shared.close()

    async def none_left() -> bool:
        return await backends(db, "shared") == 0

    await eventually(none_left)


@pytest.mark.parametrize(
    "use",
    [
        dal.Database.ping,
        lambda db: users.get(db, user_id="ada"),
        lambda db: db.execute("SELECT"),
        lambda db: db.acquire().__aenter__(),
        lambda db: db.transaction().__aenter__(),
    ],
    ids=["ping", "get", "execute", "acquire", "transaction"],
)
async def test_using_it_before_it_is_open(
    url: str, use: Callable[[dal.Database], Awaitable[object]]
) -> None:
    db = dal.connect(url)
    await db.close()  # never opened: nothing to do
    with pytest.raises(errors.DatabaseUnavailableError, match="not connected"):
        await use(db)


async def test_close_waits_for_work_in_flight(db: dal.Database, single: dal.Database) -> None:
    async with db.transaction() as holder:
        await holder.execute("SELECT pg_advisory_xact_lock(1)")
        call = asyncio.create_task(single.execute("SELECT pg_advisory_xact_lock(1)"))
        await eventually(lambda: waits_for_a_lock(db))
        closing = asyncio.create_task(single.close())
        await db.ping()  # time for it to end too early
        assert not closing.done()
    await closing
    assert call.done()
    assert await call == "SELECT 1"


async def test_close_cuts_off_after_its_timeout(
    db: dal.Database, single: dal.Database, chat: dal.Conversation
) -> None:
    async with db.transaction() as holder:
        await conversations.touch(holder, user_id="ada", conversation_id=chat.id)
        call = asyncio.create_task(
            conversations.touch(single, user_id="ada", conversation_id=chat.id)
        )
        await eventually(lambda: waits_for_a_lock(db))
        await single.close(timeout=0.01)
        with pytest.raises(errors.ConnectionLostError, match="outcome is unknown"):
            await call


async def test_close_finishes_or_refuses_calls_that_wait_for_a_connection(
    db: dal.Database, single: dal.Database
) -> None:
    async with db.transaction() as holder:
        await holder.execute("SELECT pg_advisory_xact_lock(1)")
        lent = asyncio.create_task(single.execute("SELECT pg_advisory_xact_lock(1)"))
        await eventually(lambda: waits_for_a_lock(db))
        waiting = [asyncio.create_task(users.ensure(single, user_id=f"{n}")) for n in range(3)]
        closing = asyncio.create_task(single.close())
        await db.ping()
    await closing
    await lent
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(outcome, dal.User | errors.DatabaseUnavailableError), repr(outcome)


# PoolSettings


async def test_defaults(db: dal.Database, url: str) -> None:
    with (
        patch("asyncpg.create_pool", wraps=asyncpg.create_pool) as create,
        patch("asyncio.sleep", wraps=asyncio.sleep) as sleep,
        patch("dal.database.fair_pool.WaitingCalls", wraps=WaitingCalls) as waiting,
    ):
        async with dal.connect(url) as default:
            await default.ping()
            assert default.stats() == dal.PoolStats(size=10, idle=10, min_size=10, max_size=30)
            assert await backends(db, "dal") > 10  # and those of `db`
    assert create.call_args.kwargs["command_timeout"] == 30
    # Until all connections are recycled, and until those that nobody needs go.
    assert [call.args for call in sleep.call_args_list] == [(3600,), (60,)]
    waiting.assert_called_once_with(30)


@pytest.mark.parametrize("sizes", [{"min_size": 3, "max_size": 2}, {"max_size": 0}])
async def test_sizes_that_make_no_pool(url: str, sizes: dict[str, int]) -> None:
    with pytest.raises(errors.ConfigurationError, match="max_size"):
        await dal.connect(url, **sizes)  # type: ignore[arg-type]


async def test_the_address_comes_from_the_environment(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    async with dal.connect(min_size=1) as db:
        assert await value(db, "SELECT current_database()") == urlsplit(url).path[1:]


async def test_an_address_that_is_given_wins(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "not an address")
    async with dal.connect(url, min_size=1) as db:
        assert await db.ping() > 0


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgres+x"])
async def test_schemes(url: str, scheme: str) -> None:
    async with dal.connect(scheme + url.removeprefix("postgresql"), min_size=1) as db:
        assert await db.ping() > 0


async def test_the_service_and_the_query_are_named_in_pg_stat_activity(
    db: dal.Database, url: str
) -> None:
    async with dal.connect(url, min_size=1, application_name="shop", command_timeout=5) as shop:
        await users.get(shop, user_id="ada")
        assert re.fullmatch(
            r"SELECT /\* users\.get \*/\s.*",
            await value(db, "SELECT query FROM pg_stat_activity WHERE application_name = 'shop'"),
            re.DOTALL,
        )


# Failures to connect


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def refused(error: BaseException) -> str:
    """What a person sees of an error, which must not give the password away."""
    assert error.__cause__ is None
    assert error.__context__ is None
    text = f"{error!r} {vars(error)}"
    assert SECRET not in text
    return text


def test_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(errors.ConfigurationError, match="set DATABASE_URL=postgresql://"):
        dal.connect()


@pytest.mark.parametrize(
    "address",
    [
        SECRET,
        f"mysql://ada:{SECRET}@localhost/chat",
        f"postgresql://ada:{SECRET}@localhost:port/chat",
        f"postgresql://ada:{SECRET}/@localhost/chat",  # the / ends the host, so this is a port
        f"postgresql://ada:{SECRET}@[::1/chat",
        f"postgresql://ada:{SECRET}@localhost/chat?sslmode=perhaps",
    ],
)
async def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(errors.ConfigurationError) as raised:
        await dal.connect(address, min_size=1)
    assert "the database address is wrong: " in refused(raised.value)


async def test_nothing_listens_on_the_port(unused_port: int) -> None:
    with pytest.raises(errors.DatabaseUnavailableError) as raised:
        await dal.connect(f"postgresql://ada:{SECRET}@127.0.0.1:{unused_port}/chat")
    assert f"nothing listens at 127.0.0.1:{unused_port};" in refused(raised.value)


async def test_no_server_has_its_socket_in_the_directory(tmp_path: os.PathLike[str]) -> None:
    with pytest.raises(errors.DatabaseUnavailableError) as raised:
        await dal.connect(f"postgresql://ada:{SECRET}@/chat?host={tmp_path}")
    assert f"there is no socket {tmp_path}/.s.PGSQL.5432;" in refused(raised.value)


async def test_the_database_is_absent(url: str) -> None:
    absent = urlsplit(url)._replace(path=f"/{SECRET}").geturl()
    with pytest.raises(errors.ConfigurationError, match="database does not exist") as raised:
        await dal.connect(absent)
    refused(raised.value)


@asynccontextmanager
async def refusing(sqlstate: str) -> AsyncIterator[str]:
    """Address of a server that answers each start-up with an error, whose text quotes a secret."""
    fields = ["SFATAL", "VFATAL", f"C{sqlstate}", f"Mno {SECRET}", f"D{SECRET}", ""]
    body = "".join(f"{field}\0" for field in fields).encode()
    answer = b"E" + (len(body) + 4).to_bytes(4, "big") + body

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://ada:{SECRET}@127.0.0.1:{port}/chat?sslmode=disable"


@pytest.mark.parametrize(
    ("sqlstate", "kind", "advice"),
    [
        ("28P01", errors.ConfigurationError, "check the user and the password"),
        ("28000", errors.ConfigurationError, "check the user and the password"),
        ("3D000", errors.ConfigurationError, "check its name"),
        ("42501", errors.PermissionDeniedError, "privilege"),
        ("42704", errors.ConfigurationError, "DATABASE_URL"),  # an unknown `?setting=`
        ("53300", errors.DatabaseUnavailableError, "lower max_size"),
        ("57P03", errors.DatabaseUnavailableError, "try again"),
        ("08P01", errors.DatabaseUnavailableError, "its log says why"),
        ("55000", errors.DatabaseUnavailableError, "the database takes no connections"),
        ("57014", errors.QueryTimeoutError, "a time limit"),
    ],
)
async def test_the_server_refuses(sqlstate: str, kind: type[Exception], advice: str) -> None:
    async with refusing(sqlstate) as address:
        with pytest.raises(errors.DalError) as raised:
            await dal.connect(address, min_size=2)
    assert type(raised.value) is kind
    assert advice in refused(raised.value)
    assert raised.value.sqlstate == sqlstate


@pytest.mark.parametrize("state", ["not connected", "size=1"])
async def test_no_repr_shows_the_password(url: str, state: str) -> None:
    user, at, rest = url.removeprefix("postgresql://").partition("@")
    if ":" not in user:  # the server asks for none, and takes any
        url = f"postgresql://{user}:{SECRET}{at}{rest}"
    password = urlsplit(url).password
    assert password
    db = dal.connect(url, min_size=1)
    if state != "not connected":
        await db
    assert state in repr(db)
    assert password not in f"{db!r} {db}"
    await db.close()


# FairPool


async def test_stats_count_what_is_lent(url: str) -> None:
    async with dal.connect(url, min_size=2, max_size=4) as db:
        assert db.stats() == dal.PoolStats(size=2, idle=2, min_size=2, max_size=4)
        async with db.acquire(), db.acquire(), db.transaction():
            assert db.stats() == dal.PoolStats(size=3, idle=0, min_size=2, max_size=4)
            assert db.stats().in_use == 3
        assert db.stats() == dal.PoolStats(size=3, idle=3, min_size=2, max_size=4)
        assert db.stats().in_use == 0


async def test_an_exhausted_pool(url: str) -> None:
    async with dal.connect(url, min_size=1, max_size=1, acquire_timeout=0.05) as db:
        async with db.acquire():
            for use in db.ping, db.acquire().__aenter__, db.transaction().__aenter__:
                with pytest.raises(errors.PoolTimeoutError, match="raise max_size"):
                    await use()
        assert await db.ping() > 0


async def test_more_tasks_than_connections(url: str) -> None:
    async with dal.connect(url, min_size=1, max_size=3) as db:
        pids = await asyncio.gather(*(pid(db) for _ in range(30)))
        assert len(pids) == 30
        assert len(set(pids)) <= 3
        assert db.stats().in_use == 0


async def test_the_call_that_has_waited_longest_is_served_first(url: str) -> None:
    arrivals = itertools.count()
    served: list[int] = []

    async def work() -> None:
        for _ in range(20):
            arrival = next(arrivals)
            async with db.acquire():
                served.append(arrival)

    async with dal.connect(url, min_size=3, max_size=3) as db:
        await asyncio.gather(*(work() for _ in range(30)))
    assert served == [*range(600)]


@pytest.mark.parametrize("turns", [2**n for n in range(8)])
async def test_cancelled_calls_give_their_connections_back(url: str, turns: int) -> None:
    async with dal.connect(url, min_size=1, max_size=2, acquire_timeout=5) as db:
        calls = [asyncio.create_task(pid(db)) for _ in range(6)]
        for _ in range(turns):  # cancel them wherever they are by then
            await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert len(await asyncio.gather(*(pid(db) for _ in range(6)))) == 6
        assert db.stats().in_use == 0


async def test_old_connections_are_replaced(db: dal.Database, url: str) -> None:
    async with dal.connect(
        url, min_size=1, max_size=1, recycle_after=0.05, application_name="recycled"
    ) as recycled:
        first = await pid(recycled)

        async def replaced() -> bool:
            return await pid(recycled) != first

        async def gone() -> bool:
            return not await value(
                db, "SELECT count(*) FROM pg_stat_activity WHERE pid = $1", first
            )

        await eventually(replaced)
        await eventually(gone)


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (lambda db: users.get(db, user_id="ada"), "/* users.get */"),
        (lambda db: users.delete(db, user_id="ada"), "/* users.delete */"),
        (dal.Database.ping, "SELECT 1"),
    ],
    ids=["fetch", "execute", "ping"],
)
async def test_nothing_is_sent_after_a_call(
    db: dal.Database,
    single: dal.Database,
    call: Callable[[dal.Database], Awaitable[object]],
    sent: str,
) -> None:
    backend = await pid(single)
    await call(single)
    assert sent in await value(db, "SELECT query FROM pg_stat_activity WHERE pid = $1", backend)


@pytest.mark.parametrize(
    ("leave", "look"),
    [
        ("SET work_mem = '7MB'", "SHOW work_mem"),
        ("SET ROLE pg_monitor", "SELECT current_user"),
        ("LISTEN news", "SELECT count(*) FROM pg_listening_channels()"),
        (
            "SELECT pg_advisory_lock(1)",
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        ),
        ("CREATE TEMP TABLE users (id int)", "SELECT 'users'::regclass::oid"),
        (
            "DECLARE rows CURSOR WITH HOLD FOR SELECT 1",
            "SELECT count(*) FROM pg_cursors WHERE name = 'rows'",
        ),
    ],
    ids=["setting", "role", "listen", "advisory lock", "temporary table", "cursor"],
)
async def test_a_lent_connection_is_reset(single: dal.Database, leave: str, look: str) -> None:
    before = await value(single, look)
    async with single.acquire() as connection:
        await connection.execute(leave)
        assert await value(connection, look) != before
    assert await value(single, look) == before


def ignore(*_: object) -> None:
    """A listener that does nothing."""


KEPT: dict[str, Callable[[asyncpg.Connection], Awaitable[object] | None]] = {
    "add_listener": lambda lent: lent.add_listener("news", ignore),
    "add_log_listener": lambda lent: lent.add_log_listener(ignore),
    "prepare": lambda lent: lent.prepare("SELECT 1"),
    "reset_type_codec": lambda lent: lent.reset_type_codec("varchar", schema="pg_catalog"),
    "reload_schema_state": lambda lent: lent.reload_schema_state(),
    "transaction": lambda lent: lent.transaction().start(),
}
CLOSED: dict[str, Callable[[asyncpg.Connection], Awaitable[object] | None]] = {
    "set_type_codec": lambda lent: lent.set_type_codec(
        "text", schema="pg_catalog", encoder=str.upper, decoder=str.lower
    ),
    "set_builtin_type_codec": lambda lent: lent.set_builtin_type_codec(
        "varchar", schema="pg_catalog", codec_name="int4"
    ),
    "add_query_logger": lambda lent: lent.add_query_logger(ignore),
    "add_termination_listener": lambda lent: lent.add_termination_listener(ignore),
    "prepare with a name": lambda lent: lent.prepare("SELECT 1", name="mine"),
    "PREPARE": lambda lent: lent.execute("PREPARE mine AS SELECT 1"),
    "close": asyncpg.Connection.close,
    "terminate": asyncpg.Connection.terminate,
}
# The rest of asyncpg's methods. What the SQL that they send changes is reset.
ASKING = {"get_reset_query", "get_server_pid", "get_server_version", "get_settings"}
ASKING |= {"is_closed", "is_in_transaction"}
UNDOING = {"remove_listener", "remove_log_listener", "remove_query_logger", "query_logger"}
UNDOING |= {"remove_termination_listener", "reset"}


def test_all_that_asyncpg_lets_a_borrower_change_is_known() -> None:
    methods = {name for name, _ in inspect.getmembers(asyncpg.Connection, inspect.isfunction)}
    sending = {name for name in methods if name.startswith(("fetch", "execute", "copy", "cursor"))}
    known = {*KEPT, *CLOSED} - {"prepare with a name", "PREPARE"} | ASKING | UNDOING | sending
    assert {name for name in methods if not name.startswith("_")} == known


@pytest.mark.parametrize(
    ("change", "closed"),
    [*((name, False) for name in KEPT), *((name, True) for name in CLOSED)],
)
async def test_a_lent_connection_that_can_t_be_reset_is_closed(
    single: dal.Database, complaints: list[str], change: str, closed: bool
) -> None:
    before = await pid(single)
    async with single.acquire() as connection:
        made = (KEPT | CLOSED)[change](connection)
        if made is not None:
            await made
    complaints.clear()  # asyncpg's, of a transaction that is left open
    assert await users.ensure(single, user_id="eve") == await users.get(single, user_id="eve")
    assert (await pid(single) != before) == closed
    async with single.acquire() as connection:
        assert not connection._listeners
        assert not connection._log_listeners


async def test_an_error_in_the_block_is_the_one_to_see(single: dal.Database) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with single.acquire():
            raise LookupError("mine")
    assert await single.ping() > 0


async def test_a_transaction_left_open_is_rolled_back(
    single: dal.Database, complaints: list[str]
) -> None:
    async with single.acquire() as connection:
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO users (id) VALUES ('nobody else')")
    assert await users.get(single, user_id="nobody else") is None
    assert "active transaction" in complaints.pop()  # asyncpg's, for the borrower's log


@pytest.mark.parametrize("end", ["close", "terminate", "killed"])
async def test_a_lent_connection_may_be_lost(
    db: dal.Database, single: dal.Database, end: str
) -> None:
    with suppress(errors.ConnectionLostError):
        async with single.acquire() as connection:
            match end:
                case "close":
                    await connection.close()
                case "terminate":
                    connection.terminate()
                case "killed":
                    await db.fetch(
                        "SELECT pg_terminate_backend($1::int, 5000)", connection.get_server_pid()
                    )
    assert await single.ping() > 0
    assert single.stats() == dal.PoolStats(size=1, idle=1, min_size=1, max_size=1)


async def test_a_call_on_a_lost_connection(db: dal.Database, single: dal.Database) -> None:
    async def call() -> None:
        async with single.acquire() as connection:
            await db.fetch(
                "SELECT pg_terminate_backend($1::int, 5000)", connection.get_server_pid()
            )
            await users.get(connection, user_id="ada")

    with pytest.raises(errors.ConnectionLostError, match=r"users\.get"):
        await call()
    assert await single.ping() > 0


async def test_a_connection_given_back_too_early_is_not_lent_again(single: dal.Database) -> None:
    forgotten: list[asyncio.Task[object]] = []
    with suppress(errors.DalError):
        async with single.acquire() as connection:
            forgotten.append(asyncio.create_task(connection.fetch("SELECT pg_sleep(60)")))
            await asyncio.sleep(0)  # it has begun
    assert await single.ping() > 0
    # Its connection is closed, or the server has been faster to cancel it.
    endings = (asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.QueryCanceledError)
    with pytest.raises(endings):
        await forgotten[0]


async def test_a_call_that_is_cancelled_again_and_again_ends_its_statement(url: str) -> None:
    async with dal.connect(url, min_size=1, max_size=1) as db:
        used = await pid(db)
        call = asyncio.create_task(db.fetch("SELECT pg_sleep(60)"))
        async with dal.connect(url, min_size=1) as other:

            async def sleeping() -> bool:
                rows = await other.fetch(
                    "SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'", used
                )
                return bool(rows)

            await eventually(sleeping)
            while not call.done():  # as anyio does in a scope that is cancelled
                call.cancel()
                await asyncio.sleep(0)

            async def ended() -> bool:
                return not await sleeping()

            await eventually(ended)
        assert await pid(db) == used


@pytest.mark.parametrize("use", ["call", "transaction", "acquire"])
async def test_tasks_that_share_one_connection_take_turns(url: str, use: str) -> None:
    served: list[str] = []

    async def ask(db: dal.Database, name: str) -> None:
        for _ in range(20):
            match use:
                case "call":
                    await users.get(db, user_id="ada")
                case "transaction":
                    async with db.transaction():
                        pass
                case "acquire":
                    async with db.acquire():
                        pass
            served.append(name)

    async with dal.connect(url, min_size=1, max_size=1) as db:
        await asyncio.gather(*(ask(db, name) for name in "abcde"))
    assert [set(served[n : n + 5]) for n in range(0, 100, 5)] == [set("abcde")] * 20
