"""The size and use of a pool."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool at one moment.

    Attributes:
        size: open connections.
        idle: open connections that nobody uses.
        min_size: how many are opened at the start.
        max_size: how many there may be.
        waiting: calls that have no connection yet.
        timeouts: calls that gave up since the pool was opened, with a PoolTimeoutError each.
    """

    size: int
    idle: int
    min_size: int
    max_size: int
    waiting: int = 0
    timeouts: int = 0

    @property
    def in_use(self) -> int:
        """Connections that run a statement, or are lent."""
        return self.size - self.idle
