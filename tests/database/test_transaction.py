"""Transactions: what is stored after each way out of a block, and what the caller is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress

import asyncpg
import pytest

import dal
from dal import conversations, errors, users
from dal.database.transaction import Isolation

NO_TABLES = "SET LOCAL search_path = pg_catalog"  # every function's statement fails from then on


@contextmanager
def failing(kind: type[Exception], match: str, sqlstate: str | None = None) -> Iterator[None]:
    """What is in here ends with this error, and no other is chained to it."""
    with pytest.raises(kind, match=match) as raised:
        yield
    assert type(raised.value) is kind
    assert getattr(raised.value, "sqlstate", None) == sqlstate
    assert raised.value.__context__ is None


async def stored(db: dal.Database) -> set[str]:
    return {row["id"] for row in await db.fetch("SELECT id FROM users")}


async def eventually(db: dal.Database, condition: str, *, gone: bool = False) -> list[int]:
    """Wait until some other connection to the database meets a condition, or none any more."""
    sql = (
        "SELECT pid FROM pg_stat_activity"
        f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
    )
    async with asyncio.timeout(5):
        while bool(rows := await db.fetch(sql)) is gone:  # noqa: ASYNC110 the server can only be asked
            await asyncio.sleep(0.01)
    return [row["pid"] for row in rows]


async def backend(transaction: dal.Transaction) -> int:
    pid: int = (await transaction.fetch("SELECT pg_backend_pid()"))[0][0]
    return pid


async def kill(db: dal.Database, pid: int) -> None:
    """End a connection from another one, and wait until it is gone."""
    await db.fetch("SELECT pg_terminate_backend($1::int, 5000)", pid)


def interrupt() -> None:
    raise LookupError("mine")


@pytest.fixture(scope="module")
def url(module_database: str) -> str:
    """One database for all of these tests, which is emptied after each."""
    return module_database


@pytest.fixture(autouse=True)
async def nothing_stays_open(db: dal.Database) -> AsyncIterator[None]:
    yield
    assert db.stats().in_use == 0
    await eventually(db, "state LIKE 'idle in transaction%'", gone=True)
    await db.execute("DELETE FROM users")


async def test_the_end_commits(db: dal.Database) -> None:
    async with db.transaction() as transaction:
        await users.ensure(transaction, user_id="ada")
        assert await stored(db) == set()
    assert await stored(db) == {"ada"}


async def test_an_error_undoes_the_block(db: dal.Database) -> None:
    with failing(LookupError, "mine"):
        async with db.transaction() as transaction:
            await users.ensure(transaction, user_id="ada")
            interrupt()
    assert await stored(db) == set()


async def test_the_commit_is_refused(db: dal.Database) -> None:
    with failing(errors.ConflictError, "constraint twice", "23505"):
        async with db.transaction() as transaction:
            await users.ensure(transaction, user_id="ada")
            await transaction.execute(
                "CREATE TEMP TABLE later (id int CONSTRAINT twice UNIQUE INITIALLY DEFERRED)"
            )
            await transaction.execute("INSERT INTO later VALUES (1), (1)")
    assert await stored(db) == set()


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
async def test_isolation(db: dal.Database, isolation: Isolation) -> None:
    async with db.transaction(isolation=isolation) as transaction:
        [[level]] = await transaction.fetch("SHOW transaction_isolation")
    assert level == isolation.replace("_", " ")


async def test_readonly(db: dal.Database) -> None:
    with failing(
        errors.DatabaseUnavailableError, "read-only.* default_transaction_read_only", "25006"
    ):
        async with db.transaction(readonly=True) as transaction:
            assert await users.get(transaction, user_id="ada") is None
            await users.ensure(transaction, user_id="ada")
    assert await stored(db) == set()


# Savepoints


async def test_a_savepoint_is_undone_alone(db: dal.Database) -> None:
    async with db.transaction() as outer:
        await users.ensure(outer, user_id="before")
        with suppress(LookupError):
            async with outer.transaction() as inner:
                await users.ensure(inner, user_id="lost")
                async with inner.transaction() as innermost:
                    await users.ensure(innermost, user_id="lost as well")
                interrupt()
        await users.ensure(outer, user_id="after")
    assert await stored(db) == {"before", "after"}


async def test_savepoints_nest(db: dal.Database) -> None:
    async with db.transaction() as outer:
        await users.ensure(outer, user_id="outer")
        async with outer.transaction() as inner:
            await users.ensure(inner, user_id="inner")
            with suppress(LookupError):
                async with inner.transaction() as innermost:
                    await users.ensure(innermost, user_id="lost")
                    interrupt()
    assert await stored(db) == {"outer", "inner"}


@pytest.mark.parametrize(
    ("swallow", "kind", "sqlstate"),
    [
        (nullcontext(), errors.SchemaMismatchError, "42P01"),
        (suppress(errors.SchemaMismatchError), errors.DalError, "25P02"),
    ],
    ids=["raised", "swallowed"],
)
async def test_a_failed_statement_is_undone_with_its_savepoint(
    db: dal.Database,
    swallow: suppress | nullcontext[None],
    kind: type[errors.DalError],
    sqlstate: str,
) -> None:
    async with db.transaction() as outer:
        await users.ensure(outer, user_id="outer")
        with failing(kind, "does not exist|an earlier statement", sqlstate):
            async with outer.transaction() as inner:
                await users.ensure(inner, user_id="inner")
                await inner.execute(NO_TABLES)
                with swallow:
                    await conversations.create(inner, user_id="outer")
    assert await stored(db) == {"outer"}


# Savepoints of several tasks


async def test_a_second_savepoint_beside_an_open_one_is_refused(db: dal.Database) -> None:
    opened = asyncio.Event()

    async def fails(outer: dal.Transaction) -> None:
        with suppress(LookupError):
            async with outer.transaction() as inner:
                await users.ensure(inner, user_id="lost")
                opened.set()
                await asyncio.sleep(0)
                interrupt()

    async def writes(outer: dal.Transaction) -> None:
        await opened.wait()
        with failing(errors.DalError, "give each task its own transaction"):
            async with outer.transaction() as inner:
                await users.ensure(inner, user_id="acknowledged")

    async with db.transaction() as outer:
        await users.ensure(outer, user_id="outer")
        await asyncio.gather(fails(outer), writes(outer))
        await users.ensure(outer, user_id="after")
    assert await stored(db) == {"outer", "after"}


async def test_savepoints_are_nested_in_each_other(db: dal.Database) -> None:
    async with db.transaction() as outer, outer.transaction() as inner:
        with failing(errors.DalError, "begin the next one in its block"):
            async with outer.transaction():
                pass
        async with inner.transaction() as innermost:
            await users.ensure(innermost, user_id="ada")
    assert await stored(db) == {"ada"}


@pytest.mark.parametrize("use", ["statement", "savepoint"])
async def test_a_savepoint_keeps_other_tasks_out_of_the_transaction_around_it(
    db: dal.Database, use: str
) -> None:
    async def meanwhile(outer: dal.Transaction) -> None:
        if use == "statement":
            await users.ensure(outer, user_id="acknowledged")
        else:
            async with outer.transaction():
                pass

    async with db.transaction() as outer:
        with suppress(LookupError):
            async with outer.transaction():
                with failing(errors.DalError, "another task has a savepoint"):
                    await asyncio.create_task(meanwhile(outer))
                await users.ensure(outer, user_id="lost")  # plainly inside the block
                interrupt()
        await asyncio.create_task(meanwhile(outer))
        await users.ensure(outer, user_id="after")
    assert await stored(db) == {"after"} | ({"acknowledged"} if use == "statement" else set())


async def test_a_block_that_ends_before_a_savepoint_in_it_is_undone(db: dal.Database) -> None:
    opened, ended = asyncio.Event(), asyncio.Event()

    async def outlives(outer: dal.Transaction) -> None:
        with failing(errors.DalError, "has ended"):
            async with outer.transaction() as inner:
                await users.ensure(inner, user_id="inner")
                opened.set()
                await ended.wait()
                with failing(errors.DalError, "has ended"):
                    await users.ensure(inner, user_id="late")

    async def block(outer: dal.Database | dal.Transaction) -> asyncio.Task[None]:
        with failing(
            errors.DalError, "a savepoint was still open when the transaction block ended"
        ):
            async with outer.transaction() as middle:
                await users.ensure(middle, user_id="middle")
                task = asyncio.create_task(outlives(middle))
                await opened.wait()
        opened.clear()
        return task

    # A transaction, and a savepoint whose transaction goes on.
    tasks = [await block(db)]
    async with db.transaction() as outer:
        await users.ensure(outer, user_id="outer")
        tasks.append(await block(outer))
        ended.set()
        await asyncio.gather(*tasks)
        await users.ensure(outer, user_id="after")
    assert await stored(db) == {"outer", "after"}


async def test_a_block_that_ends_before_a_statement_in_it_is_undone(db: dal.Database) -> None:
    with failing(errors.DalError, "busy with another task's statement"):
        async with db.transaction() as transaction:
            await users.ensure(transaction, user_id="ada")
            late = asyncio.create_task(transaction.fetch("SELECT pg_sleep(60)"))
            await eventually(db, "wait_event = 'PgSleep'")
    with pytest.raises(asyncpg.QueryCanceledError):
        await late
    assert await stored(db) == set()


# A statement fails, and the block goes on


async def test_a_failure_in_a_savepoint_of_the_transaction_around_it_undoes_the_savepoint_alone(
    db: dal.Database,
) -> None:
    async with db.transaction() as outer:
        await users.ensure(outer, user_id="outer")
        with failing(errors.DalError, "an earlier statement", "25P02"):
            async with outer.transaction() as inner:
                await users.ensure(inner, user_id="lost")
                await inner.execute(NO_TABLES)
                with suppress(errors.SchemaMismatchError):
                    await conversations.create(outer, user_id="outer")
        await users.ensure(outer, user_id="after")
    assert await stored(db) == {"outer", "after"}


Failure = Callable[[dal.Database, dal.Transaction], Awaitable[None]]


async def refused(db: dal.Database, transaction: dal.Transaction) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await transaction.execute("SELECT 1/0")


async def explained(db: dal.Database, transaction: dal.Transaction) -> None:
    await transaction.execute(NO_TABLES)
    with pytest.raises(errors.SchemaMismatchError):
        await conversations.create(transaction, user_id="ada")


async def timed_out(db: dal.Database, transaction: dal.Transaction) -> None:
    with pytest.raises(TimeoutError):
        await transaction.fetch("SELECT pg_sleep(60)")


async def cancelled(db: dal.Database, transaction: dal.Transaction) -> None:
    statement = asyncio.create_task(transaction.fetch("SELECT pg_sleep(60)"))
    await eventually(db, "wait_event = 'PgSleep'")
    statement.cancel()
    with pytest.raises(asyncio.CancelledError):
        await statement


@pytest.mark.parametrize("failure", [refused, explained, timed_out, cancelled])
async def test_a_swallowed_failure_does_not_look_committed(
    db: dal.Database, url: str, failure: Failure
) -> None:
    async with dal.connect(url, min_size=1, command_timeout=1) as quick:
        with failing(errors.DalError, "an earlier statement of this transaction", "25P02"):
            async with quick.transaction() as transaction:
                await users.ensure(transaction, user_id="ada")
                await failure(db, transaction)
        assert quick.stats().in_use == 0
    assert await stored(db) == set()


async def test_a_statement_after_a_failure(db: dal.Database) -> None:
    with failing(errors.DalError, r"users\.get: an earlier statement", "25P02"):
        async with db.transaction() as transaction:
            await refused(db, transaction)
            await users.get(transaction, user_id="ada")


# Others get in the way


async def test_a_deadlock_fails_one_of_the_two(
    db: dal.Database, ada: str, chat: dal.Conversation
) -> None:
    both = asyncio.Barrier(2)

    async def touch(first: dal.Conversation, second: dal.Conversation) -> None:
        async with db.transaction() as transaction:
            await conversations.touch(transaction, user_id=ada, conversation_id=first.id)
            await both.wait()
            await conversations.touch(transaction, user_id=ada, conversation_id=second.id)

    other = await conversations.create(db, user_id=ada)
    outcomes = await asyncio.gather(touch(chat, other), touch(other, chat), return_exceptions=True)
    [loser] = [outcome for outcome in outcomes if outcome]
    with failing(
        errors.TransactionConflictError, r"conversations\.touch: .*; repeat this", "40P01"
    ):
        raise loser


async def test_serializable_transactions_that_exclude_each_other(
    db: dal.Database, ada: str
) -> None:
    with failing(errors.TransactionConflictError, "repeat this", "40001"):
        async with (
            db.transaction(isolation="serializable") as first,
            db.transaction(isolation="serializable") as second,
        ):
            for transaction in first, second:
                assert await conversations.list_for_user(transaction, user_id=ada) == []
            for transaction in first, second:
                await conversations.create(transaction, user_id=ada)
    assert len(await conversations.list_for_user(db, user_id=ada)) == 1


async def test_two_tasks_in_one_transaction(db: dal.Database) -> None:
    with failing(errors.DalError, r"users\.ensure: .* give each task its own"):
        async with db.transaction() as transaction:
            await asyncio.gather(
                users.ensure(transaction, user_id="ada"), users.ensure(transaction, user_id="bob")
            )
    assert await stored(db) == set()


# The connection breaks

LOST = "outcome is unknown|the whole transaction"  # by whether it is noticed before sending


@pytest.mark.parametrize(
    "call",
    [
        lambda transaction: users.get(transaction, user_id="ada"),
        lambda transaction: transaction.transaction().__aenter__(),
    ],
    ids=["query", "savepoint"],
)
async def test_the_connection_is_lost_in_the_block(
    db: dal.Database, call: Callable[[dal.Transaction], Awaitable[object]]
) -> None:
    with failing(errors.ConnectionLostError, LOST):
        async with db.transaction() as transaction:
            await users.ensure(transaction, user_id="ada")
            await kill(db, await backend(transaction))
            await call(transaction)
    assert await stored(db) == set()


async def test_the_connection_is_lost_during_a_statement(
    db: dal.Database, ada: str, chat: dal.Conversation
) -> None:
    async def touch() -> None:
        async with db.transaction() as transaction:
            await conversations.touch(transaction, user_id=ada, conversation_id=chat.id)

    async with db.transaction() as holder:
        await conversations.touch(holder, user_id=ada, conversation_id=chat.id)
        touching = asyncio.create_task(touch())
        [waiting] = await eventually(db, "state = 'active' AND query LIKE '%conversations.touch%'")
        await kill(db, waiting)
        with failing(errors.ConnectionLostError, r"conversations\.touch", "08003"):
            await touching


@pytest.mark.parametrize("swallow", [False, True])
async def test_the_connection_is_lost_before_the_commit(db: dal.Database, swallow: bool) -> None:
    with failing(errors.ConnectionLostError, LOST):
        async with db.transaction() as transaction:
            await users.ensure(transaction, user_id="ada")
            await kill(db, await backend(transaction))
            if swallow:
                with pytest.raises(errors.ConnectionLostError):
                    await users.get(transaction, user_id="ada")
    assert await stored(db) == set()


async def test_the_server_closes_an_idle_transaction(db: dal.Database) -> None:
    with failing(errors.ConnectionLostError, rf"users\.get: .*({LOST})"):
        async with db.transaction() as transaction:
            pid = await backend(transaction)
            await transaction.execute("SET LOCAL idle_in_transaction_session_timeout = 1")
            await eventually(db, f"pid = {pid}", gone=True)
            await users.get(transaction, user_id="ada")


async def test_an_error_beside_a_lost_connection_is_the_one_to_see(db: dal.Database) -> None:
    with failing(LookupError, "mine"):
        async with db.transaction() as transaction:
            await kill(db, await backend(transaction))
            interrupt()


# The caller goes away


async def test_a_block_cancelled_between_statements_is_undone(db: dal.Database) -> None:
    begun = asyncio.Event()

    async def block() -> None:
        async with db.transaction() as transaction:
            await users.ensure(transaction, user_id="ada")
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await stored(db) == set()


async def test_a_block_cancelled_during_a_statement_is_undone(db: dal.Database) -> None:
    async def block() -> None:
        async with db.transaction() as transaction:
            await users.ensure(transaction, user_id="ada")
            await transaction.fetch("SELECT pg_sleep(60)")

    task = asyncio.create_task(block())
    await eventually(db, "wait_event = 'PgSleep'")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await stored(db) == set()


@pytest.mark.parametrize("turns", [2**n for n in range(10)])
async def test_a_block_may_be_cancelled_at_any_moment(db: dal.Database, turns: int) -> None:
    async def block() -> None:
        async with db.transaction() as outer, outer.transaction() as inner:
            await users.ensure(inner, user_id="ada")
            await users.ensure(outer, user_id="bob")

    task = asyncio.create_task(block())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    both_or_none = await stored(db)
    assert both_or_none in ({"ada", "bob"}, set())
    assert task.cancelled() or both_or_none


async def test_a_transaction_is_of_no_use_after_its_block(db: dal.Database) -> None:
    async with db.transaction() as transaction:
        pass
    with failing(errors.DalError, "has ended"):
        await users.get(transaction, user_id="ada")
    with failing(errors.DalError, "has ended"):
        await transaction.transaction().__aenter__()
