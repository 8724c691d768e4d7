"""A pool's connections: what is left of them between two calls, and at their end."""

from contextlib import suppress
from typing import Any

import asyncpg


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that may be broken when it is closed.

    asyncpg closes a replaced one in a task that nobody awaits, and would log the failure.
    """

    __slots__ = ()

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Close it; one that can't be closed in order is cut off."""
        with suppress(OSError, asyncpg.PostgresConnectionError):
            await super().close(timeout=timeout)


async def keep(connection: object) -> None:
    """Reset nothing: dal's statements leave no session state, and a reset is a round trip."""


def is_lost(connection: asyncpg.Connection) -> bool:
    """Whether a connection that a pool has lent is broken."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has noticed, and taken it back already
        return True


async def give_back(connection: Any, timeout: float) -> None:  # noqa: ASYNC109
    """Give a connection back to its pool, which can keep it.

    As the pool's own `release`, but without a task that shields it from cancellation: three turns
    of the event loop, an eighth of what a call costs here. Where a rollback is cancelled instead,
    the connection is closed, and the server rolls back.

    Parameters:
        timeout: seconds to wait for a rollback, or for a statement's cancellation.
    """
    if connection._con is not None:  # else the pool has taken it back already
        connection._con._on_release()
        await connection._holder.release(timeout)
