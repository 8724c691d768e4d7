"""The pool of connections that a service holds for its lifetime."""

import asyncio
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

import asyncpg

from dal.database import registry
from dal.database.address import Address
from dal.database.connection import reset_or_close
from dal.database.failures import explain_connect, translated
from dal.database.fair_pool import FairPool
from dal.database.pool import open_pool
from dal.database.pool_stats import PoolStats
from dal.database.settings import PoolSettings
from dal.database.transaction import Isolation, Transaction, begin
from dal.errors import DalError, DatabaseUnavailableError


class Database:
    """A pool of connections; made by `connect`.

    Pass it to any of the functions: each call takes a connection for one statement and gives it
    back. It may be shared by all tasks of an event loop; another event loop, thread or forked
    process needs its own.

    Attributes:
        address: where it is.
        slow_call: seconds from which on a call is logged, or None.
    """

    def __init__(self, address: Address, settings: PoolSettings) -> None:
        self.address, self._settings = address, settings
        self.slow_call = settings.slow_call
        self._pool: FairPool | None = None
        self._opening: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._opening = WeakKeyDictionary()

    def __repr__(self) -> str:
        state = f"{self.stats()}" if self._pool else "not connected"
        return f"<dal.Database at {self.address}: {state}>"

    def __await__(self) -> Generator[Any, None, Self]:
        return self._open().__await__()

    async def __aenter__(self) -> Self:
        return await self._open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def fetch(self, query: str, /, *args: Any) -> list[Any]:
        """Run one statement on a connection of the pool and return its rows, as asyncpg does.

        It must leave no session state, as SET does: use `acquire` for that.
        """
        pool = self._opened
        connection = await pool.take()
        try:
            return await connection.fetch(query, *args)  # type: ignore[no-any-return]
        except asyncpg.PostgresError as error:
            await pool.replace_if_read_only(connection, error)
            raise
        finally:
            await pool.give_back(connection)

    async def execute(self, query: str, /, *args: Any) -> str:
        """Run one statement and return its command tag, as asyncpg does; see `fetch`."""
        pool = self._opened
        connection = await pool.take()
        try:
            return await connection.execute(query, *args)  # type: ignore[no-any-return]
        except asyncpg.PostgresError as error:
            await pool.replace_if_read_only(connection, error)
            raise
        finally:
            await pool.give_back(connection)

    @asynccontextmanager
    async def transaction(
        self, *, isolation: Isolation = "read_committed", readonly: bool = False
    ) -> AsyncIterator[Transaction]:
        """Run a block in one transaction: committed at its end, rolled back by any error.

        Locks last until the end. Never wait for a model or a person in here: appends to the
        same conversation would wait as well.

        Parameters:
            isolation: what the block needs, whatever the role's or database's default is.
            readonly: refuse writes.

        Raises:
            TransactionConflictError: repeat the whole block.
            ConnectionLostError: at the end, it is unknown whether the block was committed.
        """
        pool = self._opened
        connection = await pool.take()
        try:
            async with begin(
                connection, isolation=isolation, readonly=readonly, slow_call=self.slow_call
            ) as transaction:
                yield transaction
        except (asyncpg.PostgresError, DalError) as error:
            if not readonly:
                await pool.replace_if_read_only(connection, error)
            raise
        finally:
            if not pool.affinity.mismatch():
                await pool.give_back(connection)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection for a service's own SQL; its session state is reset afterwards.

        A connection with state that can't be reset (codecs, query loggers, termination listeners,
        named statements) is closed instead.
        """
        pool = self._opened
        connection = await pool.take()
        try:
            yield connection
        except (asyncpg.PostgresError, DalError) as error:
            await pool.replace_if_read_only(connection, error)
            raise
        finally:
            if not pool.affinity.mismatch():
                try:
                    await reset_or_close(connection, prepared=pool.direct)
                finally:
                    await pool.release(connection)

    async def ping(self) -> float:
        """Send a query that does nothing, and return the round trip in seconds.

        Raises:
            DatabaseUnavailableError, ConnectionLostError, PoolTimeoutError: no answer came.
        """
        start = time.perf_counter()
        await translated(self.fetch, "SELECT 1", query="ping")
        return time.perf_counter() - start

    def stats(self) -> PoolStats:
        """The pool's size and use now."""
        return self._opened.stats()

    async def close(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Close the pool: wait for calls under way, then close all connections.

        It does nothing if the database is closed already, or was never connected. A forked process
        leaves its parent's connections alone.

        Parameters:
            timeout: seconds to wait for connections in use; these are then cut off.
        """
        if self._pool is None:
            return
        forked = self._pool.affinity.mismatch() == "process"
        if not forked:
            self._pool.affinity.check()
        pool, self._pool = self._pool, None
        registry.unregister(self)
        if not forked:  # else the connections are the parent's to close
            await pool.close(timeout)

    @property
    def _opened(self) -> FairPool:
        if self._pool is None:
            raise DatabaseUnavailableError(
                "not connected, or closed already; use `async with dal.connect() as db:`"
            )
        return self._pool

    async def _open(self) -> Self:
        async with self._opening.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self._pool is None:
                address, settings = self.address, self._settings
                pool, direct = await translated(
                    open_pool, address, settings, explain=explain_connect
                )
                self._pool = FairPool(pool, direct=direct, address=address, settings=settings)
                registry.register(self)
            self._pool.affinity.check()
        return self
