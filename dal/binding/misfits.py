"""Files and stubs that do not fit: an error in a service, and a finding in a check."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from dal.binding.statement import BindingError

_collected: ContextVar["list[Misfit] | None"] = ContextVar("misfits", default=None)


@dataclass(frozen=True, slots=True)
class Misfit:
    """A file and a stub that do not fit, and why."""

    path: Path
    error: BindingError


def collected(misfit: Misfit) -> bool:
    """Whether somebody collects misfits, who has this one now."""
    misfits = _collected.get()
    if misfits is None:
        return False
    misfits.append(misfit)
    return True


@contextmanager
def collecting_misfits() -> Iterator[list[Misfit]]:
    """Go on where a file and its stub do not fit, so that a check can tell of all of them."""
    misfits: list[Misfit] = []
    token = _collected.set(misfits)
    try:
        yield misfits
    finally:
        _collected.reset(token)
