"""A file and a stub that do not fit: an error in a service, and a finding in a check."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path


class BindingError(TypeError):
    """A SQL file and its stub do not fit.

    Attributes:
        path: the file.
        rule: what does not fit, and names both sides.
        offset: characters before the place in the file, where there is one.
    """

    def __init__(self, path: Path, rule: str, offset: int | None = None) -> None:
        super().__init__(f"{path}: {rule}")
        self.path, self.rule, self.offset = path, rule, offset


_collected: ContextVar[list[BindingError] | None] = ContextVar("_collected", default=None)


@contextmanager
def collecting_misfits() -> Iterator[list[BindingError]]:
    """Within the block, such an error goes to its list, so that a check can report all of them."""
    misfits: list[BindingError] = []
    token = _collected.set(misfits)
    try:
        yield misfits
    finally:
        _collected.reset(token)


def collect(error: BindingError) -> None:
    """Add an error to the list, or raise it outside of `collecting_misfits`."""
    misfits = _collected.get()
    if misfits is None:
        raise error
    misfits.append(error)
