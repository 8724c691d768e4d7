"""What is wrong, where, and what to do about it."""

from dataclasses import dataclass
from pathlib import Path

from dal.source.text import Source


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        rule: its kind, such as `column-type`.
        path: the file that it is in.
        offset: characters before the place, or None for the file as a whole.
        message: what is wrong, with what was expected.
        help: what to do.
        object: the table, column or index that it is about, for a waiver to name.
    """

    rule: str
    path: Path
    offset: int | None
    message: str
    help: str
    object: str | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Line and column, from 1."""
        return (1, 1) if self.offset is None else Source.read(self.path).place(self.offset)

    def as_json(self, root: Path) -> dict[str, str | int]:
        """For machines; the file's name is relative to the root where it lies below it."""
        line, column = self.place
        return {
            "rule": self.rule,
            "file": _relative(self.path, root),
            "line": line,
            "column": column,
            "message": self.message,
            "help": self.help,
        }

    def as_text(self, root: Path) -> str:
        """For people: the place, the line with a mark, and the help."""
        line, column = self.place
        lines = [f"{_relative(self.path, root)}:{line}:{column}: {self.rule}: {self.message}"]
        if self.offset is not None:
            text, width = Source.read(self.path).marked(self.offset)
            margin = " " * len(f"{line}")
            lines += [f"  {line} | {text}", f"  {margin} | {' ' * (column - 1)}{'^' * width}"]
        return "\n".join([*lines, f"  help: {self.help}"])


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
