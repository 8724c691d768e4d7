"""A transaction, and savepoints within it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, TypeAlias

import asyncpg

from dal.database.affinity import Affinity
from dal.database.connection import discard, is_busy
from dal.database.failures import translated
from dal.errors import DalError

Isolation: TypeAlias = Literal["read_committed", "repeatable_read", "serializable"]


REFUSE_HIDDEN_ROWS = "SET LOCAL row_security = off"
"""Makes the server raise an error where a row-level security policy would hide rows."""

_ENDED = "this transaction has ended; use it inside its block only"


class Transaction:
    """What runs in here is committed together, or not at all.

    Pass it to any of the functions. `fetch` and `execute` run a service's own statements in it;
    these must leave no session state (SET LOCAL, never SET): the connection goes back to the
    pool as it is.

    Attributes:
        slow_call: the database's limit in seconds for logging slow calls, or None.
    """

    def __init__(
        self,
        connection: asyncpg.Connection,
        outer: "Transaction | None" = None,
        slow_call: float | None = None,
    ) -> None:
        self._connection, self._outer = connection, outer
        self.slow_call = slow_call
        self._affinity = Affinity()
        self._failed = self._ended = False
        self._savepoint_task: asyncio.Task[Any] | None = None  # with an open savepoint

    async def fetch(self, query: str, /, *args: Any) -> list[Any]:
        """Run a statement and return its rows, as asyncpg does."""
        with self._guarded():
            result: list[Any] = await self._connection.fetch(query, *args)
        return result

    async def execute(self, query: str, /, *args: Any) -> str:
        """Run a statement and return its command tag, as asyncpg does."""
        with self._guarded():
            result: str = await self._connection.execute(query, *args)
        return result

    @asynccontextmanager
    async def transaction(self) -> "AsyncIterator[Transaction]":
        """A savepoint: an error that leaves this block undoes the block alone.

        What runs after a savepoint is undone with it, so there is one at a time, nested if need
        be; meanwhile other tasks can't use the transaction around it.

        Raises:
            DalError: another savepoint of this transaction is open.
        """
        with self._guarded():
            if self._savepoint_task:
                raise DalError(
                    "a savepoint of this transaction is open; begin the next one in its block, or"
                    " give each task its own transaction"
                )
            self._savepoint_task = asyncio.current_task()
            try:
                async with begin(self._connection, outer=self, slow_call=self.slow_call) as inner:
                    yield inner
            finally:
                self._savepoint_task = None

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        self._affinity.check()
        if self._ended or self._outlived:
            raise DalError(_ENDED)
        if self._savepoint_task not in (None, asyncio.current_task()):
            raise DalError(
                "another task has a savepoint of this transaction open, which might undo this as"
                " well; give each task its own transaction"
            )
        try:
            yield
        except BaseException:  # a time limit and a cancellation fail the transaction as well
            self._failed = True
            raise

    def _around(self) -> "Iterator[Transaction]":
        outer = self._outer
        while outer:
            yield outer
            outer = outer._outer

    @property
    def _outlived(self) -> bool:
        """Whether an enclosing block ended before this one, which rolled this one back."""
        return any(outer._ended for outer in self._around())

    async def _confirm(self) -> None:
        """Raise unless all that ran in the block can be kept."""
        self._affinity.check()
        if self._outlived:
            raise DalError(_ENDED)
        if self._savepoint_task:
            raise DalError(
                "a savepoint was still open when the transaction block ended, so it was rolled"
                " back; await all tasks that use the transaction inside its block"
            )
        # PostgreSQL answers the COMMIT of a failed transaction with a silent ROLLBACK. Where a
        # statement failed, and its error was caught inside the block, ask before committing.
        if self._failed or any(outer._failed for outer in self._around()):
            await self._connection.execute("SELECT")


@asynccontextmanager
async def begin(
    connection: asyncpg.Connection,
    *,
    isolation: Isolation | None = None,
    readonly: bool = False,
    outer: Transaction | None = None,
    slow_call: float | None = None,
) -> AsyncIterator[Transaction]:
    """Run a block in a transaction of the connection, or in a savepoint if it is in one already."""

    async def start() -> Any:
        block = connection.transaction(isolation=isolation, readonly=readonly)
        # Entered, not started: where BEGIN is cancelled, the pool then rolls back in silence.
        await block.__aenter__()
        return block

    block = await translated(start)
    transaction = Transaction(connection, outer, slow_call)
    try:
        try:
            yield transaction
        finally:
            transaction._ended = True
        await translated(transaction._confirm)
    except BaseException as error:
        if not (transaction._outlived or transaction._affinity.mismatch()):
            await _undo(connection, block, error)
        raise
    try:
        with _left_to_the_pool(block):
            await translated(block.__aexit__, None, None, None)
    except DalError:
        if is_busy(connection):
            await discard(connection)
        raise


async def _undo(connection: asyncpg.Connection, block: Any, error: BaseException) -> None:
    try:
        with _left_to_the_pool(block):
            await block.__aexit__(type(error), error, None)
    except Exception:  # noqa: BLE001
        # Lost, or busy with a task that outlived the block. Closed, it is rolled back by the
        # server; the block's own error is the one to see.
        await discard(connection)


@contextmanager
def _left_to_the_pool(block: Any) -> Iterator[None]:
    """Where COMMIT or ROLLBACK is cancelled, the pool rolls back, as silently as after BEGIN."""
    try:
        yield
    except asyncio.CancelledError:
        if not block._nested:
            block._managed, block._connection._top_xact = True, block
        raise
