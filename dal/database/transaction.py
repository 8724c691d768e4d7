"""A transaction, and savepoints within it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Literal, TypeAlias

import asyncpg

from dal.database.failures import explain, translated
from dal.errors import ConnectionLostError, DalError

Isolation: TypeAlias = Literal["read_committed", "repeatable_read", "serializable"]


class Transaction:
    """What runs in here is committed together, or not at all.

    Pass it to any of the functions. `fetch` and `execute` run a service's own statements in it;
    these must leave no session state (SET LOCAL, never SET): the connection goes back to the
    pool as it is.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._failed = False
        self._ended = False

    async def fetch(self, query: str, /, *args: Any) -> list[Any]:
        """Run a statement and return its rows, as asyncpg does."""
        with self._watched():
            result: list[Any] = await self._connection.fetch(query, *args)
        return result

    async def execute(self, query: str, /, *args: Any) -> str:
        """Run a statement and return its command tag, as asyncpg does."""
        with self._watched():
            result: str = await self._connection.execute(query, *args)
        return result

    @asynccontextmanager
    async def transaction(self) -> "AsyncIterator[Transaction]":
        """A savepoint: an error that leaves this block undoes the block alone."""
        async with begin(self._connection) as inner:
            yield inner

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if self._ended:
            raise DalError("this transaction has ended; use it inside its block only")
        try:
            yield
        except BaseException:  # a time limit and a cancellation fail the transaction as well
            self._failed = True
            raise

    async def _confirm(self) -> None:
        # PostgreSQL answers the COMMIT of a failed transaction with a silent ROLLBACK. Where a
        # statement failed, and its error was caught inside the block, ask before committing.
        if self._failed:
            await self._connection.execute("SELECT")


@asynccontextmanager
async def begin(
    connection: asyncpg.Connection,
    *,
    isolation: Isolation | None = None,
    readonly: bool = False,
) -> AsyncIterator[Transaction]:
    """Run a block in a transaction of the connection, or in a savepoint if it is in one already."""

    async def start() -> Any:
        block = connection.transaction(isolation=isolation, readonly=readonly)
        # Entered, not started: where BEGIN is cancelled, the pool then rolls back in silence.
        await block.__aenter__()
        return block

    block = await translated(start)
    transaction = Transaction(connection)
    try:
        yield transaction
        await translated(transaction._confirm)
    except BaseException as error:
        try:
            with _left_to_the_pool(block):
                await block.__aexit__(type(error), error, None)
        except Exception:  # noqa: BLE001
            # Lost, or busy with a task that outlived the block. Closed, it is rolled back by the
            # server; the block's own error is the one to see.
            with suppress(asyncpg.InterfaceError):
                connection.terminate()
        raise
    finally:
        transaction._ended = True
    with _left_to_the_pool(block):
        await translated(block.__aexit__, None, None, None, explain=_explain_commit)


@contextmanager
def _left_to_the_pool(block: Any) -> Iterator[None]:
    """Where COMMIT or ROLLBACK is cancelled, the pool rolls back, as silently as after BEGIN."""
    try:
        yield
    except asyncio.CancelledError:
        if not block._nested:
            block._managed, block._connection._top_xact = True, block
        raise


def _explain_commit(error: Exception, query: str | None) -> DalError | None:
    # Nobody knows whether a COMMIT that was not answered in time has happened.
    return ConnectionLostError() if isinstance(error, TimeoutError) else explain(error, query)
