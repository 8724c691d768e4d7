"""The connections of a pool, each lent to one call at a time."""

import asyncio
from typing import Any

import asyncpg

from dal.database.address import Address
from dal.database.affinity import Affinity
from dal.database.connection import discard, expire, is_lost, is_reusable, release_to_pool
from dal.database.failures import explain_connect
from dal.database.idle_connections import IdleConnections
from dal.database.min_size_warning import MinSizeWarning
from dal.database.pool import no_connection
from dal.database.pool_stats import PoolStats
from dal.database.settings import PoolSettings
from dal.database.sqlstates import READ_ONLY
from dal.database.waiting_calls import WaitingCalls, closed
from dal.errors import DalError, PoolTimeoutError

_CLOSING_TIME = 1.0  # seconds for the end of an idle connection; its host may have gone silently
_UNUSED_FOR = 60.0  # seconds after which a connection that no call needs goes back to the pool


class FairPool:
    """Lends a pool's connections, first to the call that has waited longest.

    Between calls it keeps them, because taking one from the pool and releasing it is an eighth of
    what a call costs the client, or more. The pool opens, replaces and closes them.

    Parameters:
        pool: what opens, keeps and replaces them.
        direct: whether connections go straight to the server, with no pooler in between.
        address, settings: what it was made with.

    Attributes:
        affinity: where it may be used.
    """

    def __init__(
        self, pool: asyncpg.Pool, *, direct: bool, address: Address, settings: PoolSettings
    ) -> None:
        self.pool, self.direct, self.affinity = pool, direct, Affinity()
        self._address, self._settings = address, settings
        self._min_size_warning = MinSizeWarning(pool)
        self._idle = IdleConnections()
        # asyncpg's own queue lets a call that has just come overtake those that wait.
        self._queue = WaitingCalls(settings.acquire_timeout)
        self._free = settings.max_size  # calls that may take a connection without waiting
        self._waiting = 0  # calls that have no connection yet
        self._timeouts = 0  # and those that gave up
        self._tasks = [
            asyncio.create_task(self._recycle(), name="dal: recycle"),
            asyncio.create_task(self._shrink(), name="dal: shrink"),
        ]

    def stats(self) -> PoolStats:
        """The pool's size and use now."""
        return PoolStats(
            size=self.pool.get_size(),
            idle=self.pool.get_idle_size() + sum(not is_lost(idle) for idle in self._idle),
            min_size=self.pool.get_min_size(),
            max_size=self.pool.get_max_size(),
            waiting=self._waiting,
            timeouts=self._timeouts,
        )

    async def take(self) -> Any:
        """A connection for the caller alone, until it is given back.

        Raises:
            PoolTimeoutError: none became free in time.
            DatabaseUnavailableError: none could be opened, or the pool was closed meanwhile.
            DalError: this is another process, thread or event loop.
        """
        self.affinity.check()
        self._waiting += 1
        try:
            if self._free:
                self._free -= 1
                return await self._acquire()
            return await self._wait()
        except Exception as error:
            failure = self._explain(error)
            if failure is None:
                raise
        finally:
            self._waiting -= 1
        raise failure  # out here the original is not chained to it

    async def give_back(self, connection: Any) -> None:
        """Give back a connection that has run one statement or transaction of dal's."""
        if is_reusable(connection):
            if not self._queue.serve(connection):
                self._idle.push(connection)
                self._free += 1
            return
        if is_lost(connection):
            # What broke it (a restart, a failover) may have broken the idle ones as well. They are
            # replaced when they are next taken, so that no call fails for each of them.
            await expire(connection)
        await self.release(connection)

    async def release(self, connection: Any) -> None:
        """Give back a connection as it is."""
        try:
            await release_to_pool(connection, self._settings.acquire_timeout)
        finally:
            self._let_next()

    async def replace_if_read_only(self, connection: Any, error: Any) -> None:
        """Let the pool replace its connections where an error shows that they are useless."""
        # After a switchover the old primary may stay up, read-only; another host is the new one.
        if self._address.demands_primary and error.sqlstate == READ_ONLY:
            await expire(connection)

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109
        """Close all connections; after `timeout` seconds, those still in use are cut off."""
        for task in self._tasks:
            task.cancel()
        self._queue.close()
        try:
            async with asyncio.timeout(timeout):
                while connection := self._idle.pop():
                    await release_to_pool(connection, timeout)
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()

    async def _wait(self) -> Any:
        deadline = asyncio.get_running_loop().time() + self._settings.acquire_timeout
        served = self._queue.join()
        try:
            connection = await served
        except asyncio.CancelledError:
            if served.done() and not served.cancelled() and not served.exception():
                connection = served.result()  # it was served and cancelled at the same moment
                if connection is None:
                    self._let_next()
                else:
                    await self.give_back(connection)
            raise
        if connection is not None:
            return connection
        async with asyncio.timeout_at(deadline):  # a connection may have to be opened
            return await self._acquire()

    def _let_next(self) -> None:
        """Let the call that has waited longest, or the next to come, ask the pool."""
        if not self._queue.serve(None):
            self._free += 1

    async def _acquire(self) -> Any:
        try:
            if connection := self._idle.pop():
                if is_reusable(connection):
                    return connection
                await discard(connection, _CLOSING_TIME)
            return await self.pool.acquire()
        except BaseException:
            self._let_next()
            raise

    def _explain(self, error: Exception) -> DalError | None:
        if self.pool.is_closing():
            return closed()
        if not isinstance(error, TimeoutError):
            return explain_connect(error)
        if self.pool.get_size() == self.pool.get_max_size():
            self._timeouts += 1
            return PoolTimeoutError()
        return no_connection(self._address)

    async def _recycle(self) -> None:
        while True:
            await asyncio.sleep(self._settings.recycle_after)
            await self.pool.expire_connections()

    async def _shrink(self) -> None:
        while True:
            await asyncio.sleep(_UNUSED_FOR)
            while connection := self._idle.pop_unused():
                if is_reusable(connection):
                    await release_to_pool(connection, self._settings.acquire_timeout)
                else:
                    await discard(connection, _CLOSING_TIME)
            self._idle.watch()
