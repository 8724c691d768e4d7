"""A pool's connections: what is left of them between two calls, and at their end."""

from contextlib import suppress

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
