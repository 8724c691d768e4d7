"""The comment that a SQL file opens with.

Its first lines say what the statement answers; then come parts with a label, such as

    -- Index: which one serves it.
    -- Locks: what it locks.
    -- Never NULL (conflict): why, where `nulls` can't know.
    -- Waives seq-scan on users: why, where `plans` would complain.
    -- Needs pg_stat_statements: what is done without it; an extension's view may be absent.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Self

from dal.binding.scanner import QUIET, Kind, tokens
from dal.check.source import Source

_LABEL = re.compile(
    r"(Index|Locks|All users|Any order|Never NULL \(.*\)|Waives \S+ on \w+|Keeps \w+|Needs \w+)"
    r":(?: |$)"
)


@dataclass(frozen=True)
class Head:
    """A head comment: the text and the offset of each line."""

    lines: list[tuple[str, int]]

    @classmethod
    def read(cls, path: Path) -> Self:
        """That of a file."""
        opening = takewhile(lambda one: one.kind in QUIET, tokens(Source.read(path).text))
        return cls(
            [
                (one.text.removeprefix("--").strip(), one.offset)
                for one in opening
                if one.kind is Kind.COMMENT
            ]
        )

    def matching(self, pattern: re.Pattern[str]) -> Iterator[tuple[re.Match[str], int]]:
        """The lines that begin with a pattern, and their offsets."""
        for text, offset in self.lines:
            if match := pattern.match(text):
                yield match, offset

    def line(self, label: str) -> tuple[str, int] | None:
        """What follows `label: ` at the beginning of a line, and that line's offset."""
        begin = re.compile(rf"{re.escape(label)}:\s*(.*)")
        return next(((match[1], offset) for match, offset in self.matching(begin)), None)

    def parts(self) -> dict[str, str]:
        """The whole text of each part, by its label; the purpose has none."""
        parts: dict[str, list[str]] = {"": []}
        label = ""
        for text, _ in self.lines:
            if begin := _LABEL.match(text):
                label, text = begin[1], text[begin.end() :]
            parts.setdefault(label, []).append(text)
        return {label: " ".join(texts) for label, texts in parts.items()}
