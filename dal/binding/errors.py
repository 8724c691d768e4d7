"""Errors of the binding, which a block may collect instead of raising them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Generic, TypeVar

Error = TypeVar("Error", bound=Exception)


class BindingError(TypeError):
    """A SQL file and its stub do not fit.

    Attributes:
        path: the file.
        rule: what does not fit; it names both sides.
        offset: characters before the place in the file, where there is one.
    """

    def __init__(self, path: Path, rule: str, offset: int | None = None) -> None:
        super().__init__(f"{path}: {rule}")
        self.path, self.rule, self.offset = path, rule, offset


class Collector(Generic[Error]):
    """Collects the errors of one kind within a block."""

    def __init__(self, name: str) -> None:
        self._errors: ContextVar[list[Error] | None] = ContextVar(name, default=None)

    @contextmanager
    def block(self) -> Iterator[list[Error]]:
        """Within the block, errors go to its list."""
        errors: list[Error] = []
        token = self._errors.set(errors)
        try:
            yield errors
        finally:
            self._errors.reset(token)

    def collect(self, error: Error) -> None:
        """Add an error to the block's list, or raise it outside of a block."""
        errors = self._errors.get()
        if errors is None:
            raise error
        errors.append(error)


binding_errors: Collector[BindingError] = Collector("binding_errors")
"""Collects the errors of all files and stubs, so that a check reports each of them."""
