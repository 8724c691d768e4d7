"""PostgreSQL's SQL text as tokens, which tell a parameter from a string, a cast or a slice.

Follows PostgreSQL's own lexer (scan.l) with `standard_conforming_strings` on, its default.
Each regular expression here can read a text in one way only, so that the search for a closing
quote that never comes takes linear time as well.
"""

import re
from collections.abc import Iterator
from enum import StrEnum, auto
from typing import NamedTuple


class Kind(StrEnum):
    """What a token is."""

    SPACE = auto()
    COMMENT = auto()
    WORD = auto()  # a keyword or an unquoted identifier
    NUMBER = auto()
    STRING = auto()  # in any notation, with its prefix and its continuations
    QUOTED = auto()  # an identifier
    PARAMETER = auto()  # :name
    POSITION = auto()  # $1
    SYMBOL = auto()  # `::`, `:=`, or one other character: `->>` is three symbols


class Token(NamedTuple):
    """A piece of SQL text, and the number of characters before it."""

    kind: Kind
    text: str
    offset: int


class SourceError(ValueError):
    """SQL text that breaks a rule at `offset`, in characters from its beginning."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


class ScanError(SourceError):
    """SQL text in which what opens at `offset` is never closed."""

    offset: int

    def __init__(self, sql: str, offset: int, what: str) -> None:
        line = sql.count("\n", 0, offset) + 1
        column = offset - sql.rfind("\n", 0, offset)
        super().__init__(f"line {line}, column {column}: this {what} is never closed", offset)


# All characters beyond ASCII may be in a name. Its classes say what may not: of a range beyond
# U+FFFF `re` makes a large table, and an import of dal would take 12 ms longer.
_OTHER = re.escape("".join(c for c in map(chr, range(128)) if not c.isalnum() and c not in "_$"))
_START = rf"[^{_OTHER}0-9$]"
_TAG = rf"(?:{_START}[^{_OTHER}$]*)?"
# With `$`, in a parameter's name too: `:a$b` is a name that no function has, and an error there;
# as `:a` and the rest, the rest could open a dollar quote.
_WORD = rf"{_START}[^{_OTHER}]*"
_INTEGER = r"[0-9][0-9_]*"

# A string goes on where a quote follows its quote, at once or after white space with a newline.
_REOPENED = r"'(?:[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:\s|--[^\n\r]*[\n\r])*)?'"
_PLAIN, _ESCAPED = (
    rf"'{body}(?:{_REOPENED}{body})*(?!{_REOPENED})'" for body in (r"[^']*", r"(?:[^'\\]|\\.)*")
)

_TOKEN = re.compile(
    rf"""
      (?P<space>     \s+)
    | (?P<comment>   --[^\n\r]* | /\*)
    | (?P<string>    [eE]{_ESCAPED}
                   | (?:[uU]&|[bBnNxX])?{_PLAIN}
                   | \$(?P<tag>{_TAG})\$.*?\$(?P=tag)\$)
    | (?P<quoted>    (?:[uU]&)?"[^"]*(?:""[^"]*)*"(?!"))
    | (?P<unclosed>  [eE]?' | " | \${_TAG}\$)
    | (?P<word>      {_WORD})
    | (?P<number>    0[xXoObB][0-9A-Fa-f_]+
                   | (?:{_INTEGER}(?:\.(?:{_INTEGER})?)? | \.{_INTEGER})(?:[eE][+-]?{_INTEGER})?)
    | (?P<parameter> :(?![eE]'){_WORD})
    | (?P<position>  \$[0-9]+)
    | (?P<symbol>    :: | := | .)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_UNCLOSED = {"'": "string", '"': "quoted identifier", "$": "dollar-quoted string"}

QUIET = (Kind.SPACE, Kind.COMMENT)
"""What the server passes over."""

_KINDS: dict[str | None, Kind] = {kind.value: kind for kind in Kind}
_BEFORE_A_VALUE = re.compile("and|array|between|case|else|from|i?like|in|not|or|then|when", re.I)


def tokens(sql: str) -> Iterator[Token]:
    """Split SQL text into tokens that join to the same text again.

    `:name` is a parameter, except inside a subscript after a value, where the colon separates
    the bounds of a slice: `a[1:n]` holds the column n, `a[:n]` and `a[1 : :n]` the parameter.
    A value is a closing bracket, a parameter, a number, a string, or a name: any word but the
    few that a value follows, such as AND. Any other colon before a name needs a space between
    them: `JSON_OBJECT('key': value)`.

    Whoever replaces a parameter must keep it apart from a word before it: in `LIMIT:n`, the
    text `LIMIT$1` would be one identifier.

    Raises:
        ScanError: a string, a quoted identifier or a comment is never closed.
    """
    offset = 0
    brackets: list[bool] = []  # those still open, True for a subscript
    last: Token | None = None  # that is neither space nor comment
    while match := _TOKEN.match(sql, offset):
        text, kind = match[0], _KINDS.get(match.lastgroup)
        if kind is None:
            raise ScanError(sql, offset, _UNCLOSED[text[-1]])
        if text == "/*":
            text = sql[offset : _comment_end(sql, offset)]
        elif brackets and brackets[-1] and kind is Kind.PARAMETER and _is_value(last):
            kind, text = Kind.SYMBOL, ":"
        token = Token(kind, text, offset)
        yield token
        offset += len(text)
        if kind in QUIET:
            continue
        if text in ("(", "["):
            brackets.append(text == "[" and _is_value(last))
        elif text in (")", "]") and brackets:
            brackets.pop()
        last = token


def _is_value(token: Token | None) -> bool:
    if token is None:
        return False
    if token.kind is Kind.SYMBOL:
        return token.text in (")", "]")
    return not _BEFORE_A_VALUE.fullmatch(token.text)


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(sql, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise ScanError(sql, start, "comment")
