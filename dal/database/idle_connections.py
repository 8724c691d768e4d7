"""The connections of a pool that no call uses now."""

from collections.abc import Iterator
from typing import Any


class IdleConnections:
    """A stack: the connection that was used last is the next to be used.

    Those at the bottom have been idle for longest, so a pool that has grown in a rush can shrink.
    """

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._unused = 0  # how many at the bottom no call has used since `watch`

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

    def watch(self) -> None:
        """Begin to note which of them are used."""
        self._unused = len(self._stack)

    def pop_unused(self) -> Any:
        """Remove and return one that no call has used since `watch`, or None."""
        if not self._unused:
            return None
        self._unused -= 1
        return self._stack.pop(0)
