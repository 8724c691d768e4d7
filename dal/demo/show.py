"""How the demo looks: tables in a terminal, plain aligned text when piped."""

import json
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dal import Conversation, Message, Task
from dal.demo.stopwatch import Timing


class Show:
    """Writes to a console."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def title(self, text: str) -> None:
        """Begin a section."""
        self.console.print(f"\n{escape(text)}", style="bold")

    def line(self, text: str) -> None:
        """A line of plain text."""
        self.console.print(f"  {escape(text)}")

    def conversations(self, found: Iterable[Conversation]) -> None:
        """A list of conversations."""
        self._table(
            ("recency (UTC)", "status", "id"),
            ((f"{one.updated_at:%Y-%m-%d %H:%M:%S.%f}", one.status, one.id) for one in found),
        )

    def messages(self, found: Iterable[Message]) -> None:
        """What was said, with the tool calls."""
        for one in found:
            self.console.print(f"  [bold]{one.role}[/bold]: {escape(one.content)}")
            if one.metadata is not None:
                call = json.dumps(one.metadata, ensure_ascii=False)
                self.console.print(f"    {escape(_short(call))}", style="dim")

    def page(self, first: int, page: list[Message]) -> None:
        """A page of history, by its first and its last message."""
        last = first + len(page) - 1
        begin, end = (_short(one.content, 36) for one in (page[0], page[-1]))
        self.line(f"{first:>3} to {last:>3}: {begin:<36}  ->  {end}")

    def tasks(self, found: Iterable[Task]) -> None:
        """A list of tasks."""
        self._table(
            ("", "title", "description"),
            (
                ("[x]" if one.completed else "[ ]", one.title, one.description or "")
                for one in found
            ),
        )

    def timings(self, found: Iterable[Timing]) -> None:
        """What each kind of call took."""
        self.title("What each call took, in milliseconds")
        self._table(
            ("function", "calls", "median", "p95", "slowest"),
            (
                (
                    one.function,
                    one.calls,
                    *(f"{ms:.2f}" for ms in (one.median, one.p95, one.slowest)),
                )
                for one in found
            ),
        )

    def _table(self, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
        table = Table(
            *columns, box=box.SIMPLE_HEAD if self.console.is_terminal else None, pad_edge=True
        )
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        self.console.print(table)


def _short(text: str, characters: int = 100) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= characters else f"{flat[: characters - 3]}..."
