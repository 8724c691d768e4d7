"""The progress of long work, shown on a terminal only."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from dal.cli.streams import notes, out

_PAUSE = 0.1  # seconds between two updates that a person could tell apart


class ProgressLine:
    """A line on standard error that changes while the work goes on."""

    def __init__(self, bar: Progress | None = None, text: str = "", total: float | None = None):
        self._bar, self._text, self._completed = bar, text, 0.0
        self._task = bar.add_task(text, total=total) if bar else TaskID(0)
        self._next = 0.0

    def update(self, text: str | None = None, *, completed: float | None = None) -> None:
        """Show another text, or how much of the total is done; it may be called very often."""
        if not self._bar:
            return
        self._text = text or self._text
        self._completed = self._completed if completed is None else completed
        if time.monotonic() >= self._next:
            self.show()

    def report(self, text: str) -> None:
        """Show another text; where there is no terminal, write it as a line of a log."""
        if self._bar:
            self.update(text)
        else:
            notes.print(text)

    def show(self) -> None:
        """Show the last update now."""
        if self._bar:
            self._next = time.monotonic() + _PAUSE
            self._bar.update(self._task, description=self._text, completed=self._completed)

    def print(self, text: str) -> None:
        """Write a line to standard output, above the progress."""
        if self._bar:
            self._bar.stop()
        out.print(text)
        if self._bar:
            self._bar.start()


@contextmanager
def progress(
    text: str, *, total: float | None = None, auto_refresh: bool = True
) -> Iterator[ProgressLine]:
    """Show that work goes on, and for how long, where standard error is a terminal.

    Parameters:
        text: the name of the work.
        total: how much there is to do, if that is known.
        auto_refresh: whether a thread draws it anew; else something is drawn only by `show`, as
            beside a measurement.
    """
    # Rich's own answer is not enough: FORCE_COLOR changes it where standard error is a file.
    if not (notes.is_interactive and sys.stderr.isatty()) or notes.quiet:
        yield ProgressLine()
        return
    columns: list[ProgressColumn] = [SpinnerColumn(), TextColumn("{task.description}")]
    if total is not None:
        columns += [BarColumn(), TaskProgressColumn()]
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=notes,
        transient=True,
        auto_refresh=auto_refresh,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        shown = ProgressLine(bar, text, total)
        yield shown
        shown.show()
