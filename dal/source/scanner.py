"""Splits SQL text into tokens: tells a parameter from a string, a cast or a slice.

Follows PostgreSQL's own lexer (scan.l) with `standard_conforming_strings` on, its default.
Each regular expression here can match a text in one way only, so that a missing closing quote is
noticed in linear time.
"""

import re
from collections.abc import Iterator
from enum import StrEnum, auto
from typing import NamedTuple


class TokenKind(StrEnum):
    """The kinds of tokens."""

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

    kind: TokenKind
    text: str
    offset: int


class SourceError(ValueError):
    """SQL text that breaks a rule at `offset`, in characters from its beginning."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


class ScanError(SourceError):
    """SQL text in which a string, identifier or comment opens at `offset` and is never closed."""

    offset: int

    def __init__(self, sql: str, offset: int, construct: str) -> None:
        line = sql.count("\n", 0, offset) + 1
        column = offset - sql.rfind("\n", 0, offset)
        super().__init__(f"line {line}, column {column}: this {construct} is never closed", offset)


# A name may hold any character beyond ASCII, so the classes list what it may not hold: for a range
# beyond U+FFFF `re` builds a large table, and importing dal would take 12 ms longer.
_OTHER = re.escape("".join(c for c in map(chr, range(128)) if not c.isalnum() and c not in "_$"))
_START = rf"[^{_OTHER}0-9$]"
_TAG = rf"(?:{_START}[^{_OTHER}$]*)?"
# A name may hold `$`, and so may a parameter's: `:a$b` fails because no function has an argument of
# that name. Read as `:a` and `$b`, the latter could open a dollar quote.
_WORD = rf"{_START}[^{_OTHER}]*"
_INTEGER = r"[0-9][0-9_]*"

# A string continues if another quote follows its closing one, at once or after a line break.
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

IGNORED = (TokenKind.SPACE, TokenKind.COMMENT)
"""Tokens that the server ignores."""

_KINDS: dict[str | None, TokenKind] = {kind.value: kind for kind in TokenKind}
_BEFORE_A_VALUE = re.compile("and|array|between|case|else|from|i?like|in|not|or|then|when", re.I)


def tokens(sql: str) -> Iterator[Token]:
    """Split SQL text into tokens that join to the same text again.

    `:name` is a parameter, except inside a subscript after a value, where the colon separates
    the bounds of a slice: `a[1:n]` holds the column n, `a[:n]` and `a[1 : :n]` the parameter.
    A value ends with a closing bracket, a parameter, a number, a string, or a name: any word
    except the few that precede a value, such as AND. Any other colon before a name needs a space
    between them: `JSON_OBJECT('key': value)`.

    A caller that replaces a parameter must separate it from a preceding word: `LIMIT:n` would
    become the identifier `LIMIT$1`.

    Raises:
        ScanError: a string, a quoted identifier or a comment is never closed.
    """
    offset = 0
    brackets: list[bool] = []  # the open ones; True for a subscript
    last: Token | None = None  # the last that is neither space nor comment
    while match := _TOKEN.match(sql, offset):
        text, kind = match[0], _KINDS.get(match.lastgroup)
        if kind is None:
            raise ScanError(sql, offset, _UNCLOSED[text[-1]])
        if text == "/*":
            text = sql[offset : _comment_end(sql, offset)]
        elif brackets and brackets[-1] and kind is TokenKind.PARAMETER and _is_value(last):
            kind, text = TokenKind.SYMBOL, ":"
        token = Token(kind, text, offset)
        yield token
        offset += len(text)
        if kind in IGNORED:
            continue
        if text in ("(", "["):
            brackets.append(text == "[" and _is_value(last))
        elif text in (")", "]") and brackets:
            brackets.pop()
        last = token


def blanked(sql: str, *kinds: TokenKind) -> str:
    """The text with a space for each character of these kinds of tokens, so that offsets stay.

    Raises:
        ScanError: as `tokens` does.
    """
    return "".join(
        " " * len(token.text) if token.kind in kinds else token.text for token in tokens(sql)
    )


def _is_value(token: Token | None) -> bool:
    if token is None:
        return False
    if token.kind is TokenKind.SYMBOL:
        return token.text in (")", "]")
    return not _BEFORE_A_VALUE.fullmatch(token.text)


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(sql, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise ScanError(sql, start, "comment")
