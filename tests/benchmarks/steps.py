"""Says on a terminal what is measured, between two measurements: no thread draws beside one."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from dal.cli.progress import ProgressLine, progress

Item = TypeVar("Item")
Each = Callable[[Iterable[Item]], Iterable[Item]]
"""Passes a measurement's rounds on, and says how far they are."""


class Steps:
    """The parts of a run, one after another."""

    def __init__(self, shown: ProgressLine, total: int) -> None:
        self._shown, self._total, self._number, self._part = shown, total, 0, ""

    def begin(self, part: str) -> None:
        """Go on with the next part."""
        self._number, self._part = self._number + 1, part
        self._show("")

    def each(self, rounds: Iterable[Item]) -> Iterator[Item]:
        """The rounds of the part, shown one by one."""
        waiting = list(rounds)
        for number, step in enumerate(waiting, start=1):
            self._show(f", {number} of {len(waiting)}")
            yield step

    def _show(self, rest: str) -> None:
        text = f"{self._number} of {self._total}: {self._part}{rest}"
        self._shown.update(text, completed=self._number - 1)
        self._shown.show()


@contextmanager
def steps(total: int) -> Iterator[Steps]:
    """Show a run of so many parts."""
    with progress("starting PostgreSQL", total=total, auto_refresh=False) as shown:
        yield Steps(shown, total)
