"""A pool's connections: their state between two calls, and their end."""

import asyncio
import os
from contextlib import suppress
from typing import Any

import asyncpg

from dal.database.session import configure

# Resets what asyncpg's own reset leaves: the role, temporary tables and sequence caches. The last
# statement counts those made by SQL's PREPARE; DEALLOCATE ALL would drop asyncpg's own as well.
_RESET = (
    "RESET SESSION AUTHORIZATION; RESET ROLE; DISCARD TEMP; DISCARD SEQUENCES;"
    " SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql"
)


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that closes silently where it is broken, or belongs to a parent process.

    asyncpg closes a replaced one in a task that nobody awaits, and would log the failure. It also
    closes one that is garbage-collected: in a forked process that would end the parent's.
    """

    __slots__ = ("_customized", "_process")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._process = os.getpid()
        self._customized = False  # by codecs or named statements

    @property
    def is_changed(self) -> bool:
        """Whether a borrower has changed what no reset undoes."""
        return bool(self._customized or self._query_loggers or self._termination_listeners)

    async def prepare(self, query: str, *, name: str | None = None, **kwargs: Any) -> Any:
        """As asyncpg's; a named statement outlives a reset."""
        self._customized = self._customized or name is not None
        return await super().prepare(query, name=name, **kwargs)

    async def set_type_codec(self, *args: Any, **kwargs: Any) -> None:
        """As asyncpg's."""
        self._customized = True
        await super().set_type_codec(*args, **kwargs)

    async def set_builtin_type_codec(self, *args: Any, **kwargs: Any) -> None:
        """As asyncpg's."""
        self._customized = True
        await super().set_builtin_type_codec(*args, **kwargs)

    def __del__(self) -> None:
        if self._process == os.getpid():
            super().__del__()

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Close it; one that can't be closed in order, or in time, is cut off."""
        with suppress(OSError, asyncpg.PostgresConnectionError):
            await super().close(timeout=timeout)


async def skip_reset(connection: object) -> None:
    """Reset nothing: dal's statements leave no session state, and a reset is a round trip."""


def is_lost(connection: asyncpg.Connection) -> bool:
    """Whether a connection that a pool has lent is broken."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has noticed, and taken it back already
        return True


def is_reusable(connection: Any) -> bool:
    """Whether a connection that a pool has lent can be lent again as it is."""
    lent, holder = connection._con, connection._holder
    return bool(
        lent is not None
        and not (lent.is_closed() or _is_unfinished(lent))
        and lent._top_xact is None  # else a COMMIT's answer was not waited for
        and holder._generation == holder._pool._generation
        and not holder._pool.is_closing()
    )


def is_busy(connection: Any) -> bool:
    """Whether a transaction could not be ended, because a statement of another task still runs."""
    if is_lost(connection):
        return False
    return bool(connection.is_in_transaction() and not connection._protocol._is_cancelling())


async def expire(connection: Any) -> None:
    """Let a pool replace its connections when they are next taken, unless it did so already."""
    holder = connection._holder
    if holder._generation == holder._pool._generation:
        await holder._pool.expire_connections()


async def discard(
    connection: asyncpg.Connection,
    timeout: float | None = None,  # noqa: ASYNC109
) -> None:
    """Close a connection that can't be kept, which ends a statement that still runs.

    Parameters:
        timeout: seconds after which it is cut off; None means command_timeout.
    """
    with suppress(asyncpg.InterfaceError, TimeoutError):  # the pool may have taken it back already
        await connection.close(timeout=timeout)


async def reset_or_close(connection: Any, *, prepared: bool) -> None:
    """Reset a connection that was lent, or close it where it can't be reset.

    Parameters:
        prepared: whether `session.configure` has set it up.
    """
    kept = False
    try:
        with suppress(Exception):  # lost, or still busy
            await connection.reset()
            left = await connection.execute(_RESET)
            if prepared:
                await configure(connection)
            kept = left == "SELECT 0" and not connection.is_changed
    finally:
        if not kept:
            await discard(connection)


async def release_to_pool(connection: Any, timeout: float) -> None:  # noqa: ASYNC109
    """Give a connection back to its pool.

    The pool's own `release` always shields this from cancellation with a task: three turns of the
    event loop, an eighth of what a call costs. Here that is done only where it has to wait.

    Parameters:
        timeout: seconds to wait for a rollback, or for a statement's cancellation.
    """
    lent = connection._con
    if lent is None:  # the pool has taken it back already
        return
    lent._on_release()
    if not _is_unfinished(lent):
        await connection._holder.release(None)  # a time limit is a timer of the event loop's
        return
    # Cancelled, it would leave the statement running. At a timeout, the pool has closed the
    # connection; the caller's own error is the one to see.
    with suppress(TimeoutError):
        await asyncio.shield(connection._holder.release(timeout))


def _is_unfinished(lent: Any) -> bool:
    """Whether a transaction has to be rolled back first, or a cancelled statement to end."""
    return bool(lent.is_in_transaction() or lent._protocol._is_cancelling())
