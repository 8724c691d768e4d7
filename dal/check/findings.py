"""Findings: what is wrong, where, and what to do about it."""

from dataclasses import dataclass
from pathlib import Path

from dal.source.text import Source


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a rule.

    Attributes:
        rule: the rule's name, such as `column-type`.
        path: the file.
        offset: the number of characters before the place, or None for the whole file.
        message: what is wrong, and what was expected.
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
    def line_and_column(self) -> tuple[int, int]:
        """Line and column, from 1."""
        if self.offset is None:
            return 1, 1
        return Source.read(self.path).line_and_column(self.offset)

    def as_json(self, root: Path) -> dict[str, str | int]:
        """The finding for machines; the path is relative to the root if it is below it."""
        line, column = self.line_and_column
        return {
            "rule": self.rule,
            "file": _relative(self.path, root),
            "line": line,
            "column": column,
            "message": self.message,
            "help": self.help,
        }

    def as_text(self, root: Path) -> str:
        """The finding for people: the place, the marked line, and the help."""
        line, column = self.line_and_column
        lines = [f"{_relative(self.path, root)}:{line}:{column}: {self.rule}: {self.message}"]
        if self.offset is not None:
            text, width = Source.read(self.path).marked(self.offset)
            margin = " " * len(f"{line}")
            lines += [f"  {line} | {text}", f"  {margin} | {' ' * (column - 1)}{'^' * width}"]
        return "\n".join([*lines, f"  help: {self.help}"])


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
