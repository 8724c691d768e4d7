"""The connections of a pool that no call uses now."""

from collections.abc import Iterator
from typing import Any


class IdleConnections:
    """A stack: the connection that was used last is the next to be used.

    What lies below has not been used for longest, so a pool that has grown in a rush can shrink.
    """

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._unused = 0  # at the bottom, since `take_unused`

    def __iter__(self) -> Iterator[Any]:
        return iter(self._stack)

    def push(self, connection: Any) -> None:
        """Keep a connection for the next call."""
        self._stack.append(connection)

    def pop(self) -> Any:
        """The connection that was used last, or None."""
        if not self._stack:
            return None
        connection = self._stack.pop()
        self._unused = min(self._unused, len(self._stack))
        return connection

    def take_unused(self) -> list[Any]:
        """Remove and return those that no call has used since this was last asked."""
        unused, self._stack = self._stack[: self._unused], self._stack[self._unused :]
        self._unused = len(self._stack)
        return unused
