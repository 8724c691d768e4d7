"""The comment that a SQL file opens with.

Its first lines say what the statement answers. Labelled parts follow, such as

    -- Index: which index serves it.
    -- Locks: what it locks.
    -- Needs pg_stat_statements: what is done without it; an extension's view may be absent.
    -- Needs PostgreSQL 15: what is done on an older server.
    -- Waives seq-scan on users: why this finding of `dal check` is meant so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Self

from dal.source.scanner import IGNORED, TokenKind, tokens
from dal.source.text import Source

_NEEDS = re.compile(r"Needs (\w+): \S")
_NEEDS_VERSION = re.compile(r"Needs PostgreSQL (\d+): \S")
_OWN_LABELS = r"Needs \w+(?: \d+)?|Waives\b[^:]*"


@dataclass(frozen=True)
class Header:
    """A header comment: the text and the offset of each line."""

    lines: list[tuple[str, int]]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The header comment of a file."""
        return cls.of(Source.read(path))

    @classmethod
    def of(cls, source: Source) -> Self:
        """The header comment of a file's text."""
        opening = takewhile(lambda token: token.kind in IGNORED, tokens(source.text))
        return cls(
            [
                (token.text.removeprefix("--").strip(), token.offset)
                for token in opening
                if token.kind is TokenKind.COMMENT
            ]
        )

    @cached_property
    def needs(self) -> list[str]:
        """The relations without which the statement can't be proven."""
        return [match[1] for match, _ in self.matching(_NEEDS)]

    @cached_property
    def needs_version(self) -> int:
        """The oldest PostgreSQL on which the statement can be proven; 0 if it names none."""
        return max((int(match[1]) for match, _ in self.matching(_NEEDS_VERSION)), default=0)

    def matching(self, pattern: re.Pattern[str]) -> Iterator[tuple[re.Match[str], int]]:
        """The lines that begin with a pattern, and their offsets."""
        for text, offset in self.lines:
            if match := pattern.match(text):
                yield match, offset

    def line(self, label: str) -> tuple[str, int] | None:
        """The text after `label: ` at the beginning of a line, and the line's offset."""
        begin = re.compile(rf"{re.escape(label)}:\s*(.*)")
        return next(((match[1], offset) for match, offset in self.matching(begin)), None)

    def parts(self, *labels: str) -> dict[str, str]:
        """The text of each part by its label; `""` is the label of the purpose, which is first."""
        begin = re.compile(rf"({'|'.join([*map(re.escape, labels), _OWN_LABELS])}):(?: |$)")
        parts: dict[str, list[str]] = {"": []}
        label = ""
        for text, _ in self.lines:
            if match := begin.match(text):
                label, text = match[1], text[match.end() :]
            parts.setdefault(label, []).append(text)
        return {label: " ".join(texts) for label, texts in parts.items()}
