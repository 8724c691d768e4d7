"""The pool of connections that a service holds for its lifetime."""

import asyncio
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

import asyncpg

from dal.database import opened
from dal.database.address import Address, place
from dal.database.connection import expire, forget, give_back, is_lost
from dal.database.failures import READ_ONLY, explain_connect, translated
from dal.database.floor import Floor
from dal.database.home import Home
from dal.database.pool import open_pool
from dal.database.settings import Settings
from dal.database.stats import PoolStats
from dal.database.transaction import Isolation, Transaction, begin
from dal.errors import DalError, DatabaseUnavailableError, PoolTimeoutError


class Database:
    """A pool of connections; made by `connect`.

    Pass it to any of the functions: each call takes a connection for one statement and gives it
    back. It may be shared by all tasks of an event loop; another event loop, thread or forked
    process needs its own.

    Attributes:
        address: where it is.
        slow_call: seconds from which on a call is logged, or None.
    """

    def __init__(self, address: Address, settings: Settings) -> None:
        self.address, self._settings = address, settings
        self.slow_call = settings.slow_call
        self._pool: asyncpg.Pool | None = None
        self._opening: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._opening = WeakKeyDictionary()
        # Of the pool:
        self._home: Home
        self._floor: Floor
        self._ours: bool
        self._recycler: asyncio.Task[None]
        self._waiting = 0  # calls that have no connection yet
        self._timeouts = 0  # and those that gave up

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

        It must leave no session state, such as a SET does: that is for `acquire`.
        """
        pool = self._opened
        connection = await self._take(pool)
        try:
            return await connection.fetch(query, *args)  # type: ignore[no-any-return]
        except asyncpg.PostgresError as error:
            await self._heed(connection, error)
            raise
        finally:
            await self._give_back(connection)

    async def execute(self, query: str, /, *args: Any) -> str:
        """Run one statement and return its command tag, as asyncpg does; see `fetch`."""
        pool = self._opened
        connection = await self._take(pool)
        try:
            return await connection.execute(query, *args)  # type: ignore[no-any-return]
        except asyncpg.PostgresError as error:
            await self._heed(connection, error)
            raise
        finally:
            await self._give_back(connection)

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
        connection = await self._take(pool)
        try:
            async with begin(
                connection, isolation=isolation, readonly=readonly, slow_call=self.slow_call
            ) as transaction:
                yield transaction
        except (asyncpg.PostgresError, DalError) as error:
            if not readonly:
                await self._heed(connection, error)
            raise
        finally:
            if not self._home.elsewhere():
                await self._give_back(connection)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection for a service's own SQL; its session state is reset afterwards.

        One that can't be reset (codecs, query loggers, termination listeners, named statements)
        is closed instead.
        """
        pool = self._opened
        connection = await self._take(pool)
        try:
            yield connection
        except (asyncpg.PostgresError, DalError) as error:
            await self._heed(connection, error)
            raise
        finally:
            if not self._home.elsewhere():
                try:
                    await forget(connection, prepared=self._ours)
                finally:
                    await self._release(connection)

    async def ping(self) -> float:
        """Ask the server for an answer; the round trip in seconds.

        Raises:
            DatabaseUnavailableError, ConnectionLostError, PoolTimeoutError: there was none.
        """
        start = time.perf_counter()
        await translated(self.fetch, "SELECT 1", query="ping")
        return time.perf_counter() - start

    def stats(self) -> PoolStats:
        """The pool's size and use now."""
        pool = self._opened
        return PoolStats(
            size=pool.get_size(),
            idle=pool.get_idle_size(),
            min_size=pool.get_min_size(),
            max_size=pool.get_max_size(),
            waiting=self._waiting,
            timeouts=self._timeouts,
        )

    async def close(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Close the pool: wait for calls under way, then close all connections.

        Closing what is closed, or never was connected, does nothing; nor does a forked process
        to its parent's connections.

        Parameters:
            timeout: seconds to wait for connections in use; these are then cut off.
        """
        if self._pool is None:
            return
        forked = self._home.elsewhere() == "process"
        if not forked:
            self._home.check()
        pool, self._pool = self._pool, None
        opened.leave(self)
        if forked:  # the connections are the parent's to close
            return
        self._recycler.cancel()
        try:
            async with asyncio.timeout(timeout):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @property
    def _opened(self) -> asyncpg.Pool:
        if self._pool is None:
            raise DatabaseUnavailableError(
                "not connected, or closed already; use `async with dal.connect() as db:`"
            )
        return self._pool

    async def _open(self) -> Self:
        async with self._opening.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self._pool is None:
                self._pool, self._ours = await translated(
                    open_pool, self.address, self._settings, explain=explain_connect
                )
                self._home, self._floor = Home(), Floor(self._pool)
                self._timeouts = 0
                opened.enter(self)
                self._recycler = asyncio.create_task(self._recycle(self._pool), name="dal: recycle")
            self._home.check()
        return self

    async def _take(self, pool: asyncpg.Pool) -> Any:
        self._home.check()
        self._waiting += 1
        try:
            # asyncpg's own time limit would run each acquire in a task.
            async with asyncio.timeout(self._settings.acquire_timeout):
                connection = await pool.acquire()
        except Exception as error:
            full = isinstance(error, TimeoutError) and pool.get_size() == pool.get_max_size()
            self._timeouts += full
            failure = PoolTimeoutError() if full else explain_connect(error)
            if failure is None:
                raise
            if isinstance(error, TimeoutError) and not full:
                places = ", ".join(place(*host) for host in self.address.hosts)
                failure = DatabaseUnavailableError(
                    f"no connection to {places} within acquire_timeout; dal ping says why"
                )
        else:
            if not pool.is_closing():
                return connection
            await self._release(connection)
            failure = DatabaseUnavailableError("closed while a call waited for a connection")
        finally:
            self._waiting -= 1
        raise failure  # out here the original is not chained to it

    async def _heed(self, connection: Any, error: Any) -> None:
        # After a switchover the old primary may stay up, read-only; another host is the new one.
        if self.address.demands_primary and error.sqlstate == READ_ONLY:
            await expire(connection)

    async def _give_back(self, connection: Any) -> None:
        if is_lost(connection):
            # What broke it (a restart, a failover) may have broken the idle ones as well, without
            # their notice. Replaced when they are next taken, they don't fail a call each.
            await expire(connection)
        await self._release(connection)

    async def _release(self, connection: Any) -> None:
        await give_back(connection, self._settings.acquire_timeout)
        if self._waiting:
            # They come first: this task might ask again at once, and would get it before they wake.
            await asyncio.sleep(0)

    async def _recycle(self, pool: asyncpg.Pool) -> None:
        while True:
            await asyncio.sleep(self._settings.recycle_after)
            await pool.expire_connections()
