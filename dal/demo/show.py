"""Shows the demo's results: as tables in a terminal, as plain aligned text when piped."""

import json
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dal import Conversation, Message, Task
from dal.demo.stopwatch import Timing


class DemoPrinter:
    """Prints what the demo does to a console."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def title(self, text: str) -> None:
        """Begin a section."""
        self.console.print(f"\n{escape(text)}", style="bold")

    def line(self, text: str) -> None:
        """A line of plain text."""
        self.console.print(f"  {escape(text)}")

    def conversations(self, conversations: Iterable[Conversation]) -> None:
        """A list of conversations."""
        self._table(
            ("recency (UTC)", "status", "id"),
            (
                (
                    f"{conversation.updated_at:%Y-%m-%d %H:%M:%S.%f}",
                    conversation.status,
                    conversation.id,
                )
                for conversation in conversations
            ),
        )

    def messages(self, messages: Iterable[Message]) -> None:
        """Messages, with their metadata."""
        for message in messages:
            self.console.print(f"  [bold]{message.role}[/bold]: {escape(message.content)}")
            if message.metadata is not None:
                call = json.dumps(message.metadata, ensure_ascii=False)
                self.console.print(f"    {escape(_short(call))}", style="dim")

    def page(self, first: int, page: list[Message]) -> None:
        """A page of history, by its first and its last message."""
        last = first + len(page) - 1
        begin, end = (_short(message.content, 36) for message in (page[0], page[-1]))
        self.line(f"{first:>3} to {last:>3}: {begin:<36}  ->  {end}")

    def tasks(self, tasks: Iterable[Task]) -> None:
        """A list of tasks."""
        self._table(
            ("", "title", "description"),
            (
                ("[x]" if task.completed else "[ ]", task.title, task.description or "")
                for task in tasks
            ),
        )

    def timings(self, timings: Iterable[Timing]) -> None:
        """How long the calls of each function took."""
        self.title("What each call took, in milliseconds")
        self._table(
            ("function", "calls", "median", "p95", "slowest"),
            (
                (
                    timing.function,
                    timing.calls,
                    *(f"{ms:.2f}" for ms in (timing.median, timing.p95, timing.slowest)),
                )
                for timing in timings
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
