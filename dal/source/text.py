"""Positions in a SQL file."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Self

from dal.source.identifiers import fold
from dal.source.scanner import IGNORED, ScanError, Token, TokenKind, tokens

_ENDS = ("FROM", "UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT")


@dataclass(frozen=True)
class Source:
    """A file's text."""

    text: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """The text of a file."""
        return cls(path.read_text(encoding="utf-8-sig", errors="replace"))

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, from 1."""
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def marked(self, offset: int) -> tuple[str, int]:
        """The line of an offset, and the length of the word there."""
        line = self.text[self.text.rfind("\n", 0, offset) + 1 :].partition("\n")[0]
        widths = [len(token.text) for token in self.significant if token.offset == offset]
        return line, widths[0] if widths else 1

    @cached_property
    def significant(self) -> list[Token]:
        """The tokens except space and comments, up to one that is never closed."""
        significant: list[Token] = []
        with suppress(ScanError):
            significant.extend(token for token in tokens(self.text) if token.kind not in IGNORED)
        return significant

    def parameter(self, name: str) -> int | None:
        """The offset of a parameter's first use."""
        return next((token.offset for token in self.significant if token.text == f":{name}"), None)

    def column(self, name: str) -> int | None:
        """The offset of an output column's name, in RETURNING or the outer select list."""
        depths = accumulate({"(": 1, ")": -1}.get(token.text, 0) for token in self.significant)
        outer = [token for token, depth in zip(self.significant, depths, strict=True) if depth == 0]
        words = [token.text.upper() for token in outer]
        begin = next((words.index(word) for word in ("RETURNING", "SELECT") if word in words), 0)
        end = next((n for n in range(begin, len(words)) if words[n] in _ENDS), len(words))
        items = outer[begin + 1 : end]
        named = [
            place
            for place, token in enumerate(items)
            if token.kind in (TokenKind.WORD, TokenKind.QUOTED) and fold(token.text) == name
        ]
        # The name that ends an item is the column's: in `id AS name, name + 1 AS next` the first.
        ends = [n for n in named if n + 1 == len(items) or items[n + 1].text == ","]
        return items[(ends or named)[-1]].offset if named else None

    def sent(self, text: str, position: int) -> int | None:
        """The offset in the file of a position in the text that was sent to the server."""
        # Both have the same tokens, except space, comments and the spelling of parameters.
        for token, sent_token in zip(self.significant, Source(text).significant, strict=False):
            if sent_token.offset <= position < sent_token.offset + len(sent_token.text):
                return token.offset
        return None
