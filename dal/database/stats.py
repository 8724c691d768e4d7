"""What a pool is doing."""

from dataclasses import dataclass


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
