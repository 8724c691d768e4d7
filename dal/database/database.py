"""The pool of connections that a service holds for its lifetime."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import asyncpg

from dal.database.failures import explain_connect, translated
from dal.database.transaction import Isolation, Transaction, begin
from dal.errors import ConfigurationError, DalError, DatabaseUnavailableError, PoolTimeoutError

# SQLAlchemy's way of naming a driver in a URL, which asyncpg refuses.
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool at one moment.

    Attributes:
        size: open connections.
        idle: those of them that nobody uses.
        min_size: how many are opened at the start.
        max_size: how many there may be.
    """

    size: int
    idle: int
    min_size: int
    max_size: int

    @property
    def in_use(self) -> int:
        """Connections that run a statement, or are lent."""
        return self.size - self.idle


def connect(
    dsn: str | None = None,
    *,
    min_size: int = 10,
    max_size: int = 30,
    acquire_timeout: float = 30.0,
    recycle_after: float = 3600.0,
    command_timeout: float = 30.0,
    application_name: str = "dal",
) -> "Database":
    """Connect to PostgreSQL.

        async with dal.connect() as db: ...

        db = await dal.connect()        # and later: await db.close()

    Parameters:
        dsn: `postgresql://user:password@host:port/database`; None takes DATABASE_URL from the
            environment.
        min_size: connections opened at once.
        max_size: connections at the most.
        acquire_timeout: seconds that a call waits for a free connection.
        recycle_after: seconds after which connections are replaced by new ones.
        command_timeout: seconds that a statement may take.
        application_name: how this service is called in pg_stat_activity.

    Raises:
        ConfigurationError: there is no address, or it is wrong, or the server refuses the user.
        DatabaseUnavailableError: the server can't be reached.
    """
    address = dsn or os.environ.get("DATABASE_URL")
    if not address:
        raise ConfigurationError(
            "no database address; set DATABASE_URL=postgresql://user:password@host:5432/database"
            " or pass it to dal.connect"
        )
    return Database(
        acquire_timeout=acquire_timeout,
        recycle_after=recycle_after,
        pool={
            "dsn": _DRIVER.sub(r"\1://", address),
            "min_size": min_size,
            "max_size": max_size,
            "command_timeout": command_timeout,
            "server_settings": {"application_name": application_name},
        },
    )


class Database:
    """A pool of connections; made by `connect`.

    Pass it to any of the functions: each call takes a connection for one statement and gives it
    back. It may be shared by all tasks of an event loop.
    """

    def __init__(
        self, *, acquire_timeout: float, recycle_after: float, pool: dict[str, Any]
    ) -> None:
        self._acquire_timeout = acquire_timeout
        self._recycle_after = recycle_after
        self._options = pool
        self._pool: asyncpg.Pool | None = None
        self._recycler: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        state = f"{self.stats()}" if self._pool else "not connected"
        return f"<dal.Database: {state}>"

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
        """Run one statement on a connection of the pool and return its rows, as asyncpg does."""
        pool = self._opened
        connection = await self._take(pool)
        try:
            return await connection.fetch(query, *args)  # type: ignore[no-any-return]
        finally:
            await pool.release(connection)

    async def execute(self, query: str, /, *args: Any) -> str:
        """Run one statement and return its command tag, as asyncpg does."""
        pool = self._opened
        connection = await self._take(pool)
        try:
            return await connection.execute(query, *args)  # type: ignore[no-any-return]
        finally:
            await pool.release(connection)

    @asynccontextmanager
    async def transaction(
        self, *, isolation: Isolation | None = None, readonly: bool = False
    ) -> AsyncIterator[Transaction]:
        """Run a block in one transaction: committed at its end, rolled back by any error.

        Locks last until the end. Never wait for a model or a person in here: appends to the
        same conversation would wait as well.

        Parameters:
            isolation: None is the server's default, READ COMMITTED.
            readonly: refuse writes.

        Raises:
            TransactionConflictError: repeat the whole block.
            ConnectionLostError: at the end, it is unknown whether the block was committed.
        """
        pool = self._opened
        connection = await self._take(pool)
        try:
            async with begin(connection, isolation=isolation, readonly=readonly) as transaction:
                yield transaction
        finally:
            await pool.release(connection)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection for a service's own SQL; its session state is reset afterwards."""
        pool = self._opened
        connection = await self._take(pool)
        try:
            yield connection
        finally:
            try:
                if not connection.is_closed():
                    await translated(connection.reset(), "acquire")
            finally:
                await pool.release(connection)

    async def ping(self) -> float:
        """Ask the server for an answer; the round trip in seconds.

        Raises:
            DatabaseUnavailableError, ConnectionLostError, PoolTimeoutError: there was none.
        """
        start = time.perf_counter()
        await translated(self.fetch("SELECT 1"), "ping")
        return time.perf_counter() - start

    def stats(self) -> PoolStats:
        """The pool's size and use now."""
        pool = self._opened
        return PoolStats(
            size=pool.get_size(),
            idle=pool.get_idle_size(),
            min_size=pool.get_min_size(),
            max_size=pool.get_max_size(),
        )

    async def close(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Close the pool: wait for calls under way, then close all connections.

        Closing what is closed, or never was connected, does nothing.

        Parameters:
            timeout: seconds to wait for connections in use; these are then cut off.
        """
        pool, self._pool = self._pool, None
        if self._recycler:
            self._recycler.cancel()
        if pool is None:
            return
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
        if self._pool is None:
            pool = asyncpg.create_pool(**self._options, reset=_keep)
            self._pool = await translated(pool, explain=explain_connect)
            self._recycler = asyncio.create_task(self._recycle(pool), name="dal: recycle")
        return self

    async def _take(self, pool: asyncpg.Pool) -> Any:
        def explain(error: Exception, query: str | None) -> DalError | None:
            if isinstance(error, TimeoutError) and pool.get_size() == pool.get_max_size():
                return PoolTimeoutError()
            return explain_connect(error, query)

        return await translated(pool.acquire(timeout=self._acquire_timeout), explain=explain)

    async def _recycle(self, pool: asyncpg.Pool) -> None:
        while True:
            await asyncio.sleep(self._recycle_after)
            await pool.expire_connections()


async def _keep(connection: object) -> None:
    """Reset nothing: dal's statements leave no session state, and a reset is a round trip."""
