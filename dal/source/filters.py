"""Conditions that may be absent: lines of a WHERE that end with `-- if :parameter`.

    WHERE category_id = :category_id
      AND price >= :min_price            -- if :min_price
      AND stock > 0                      -- if :in_stock

The line is left out if its argument is None; a flag without a placeholder keeps it only if True.
The SQL of each combination of lines is made once, when the file is bound; values never become part
of it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from dal.source.scanner import IGNORED, SourceError, Token, TokenKind, tokens

MAX_PARAMETERS = 6
"""How many parameters may have `-- if` lines: 6 make 64 combinations."""

_MARKER = re.compile(r"--[ \t]*if[ \t]+:([^\W\d]\w*)[ \t]*")
_LOOKS_LIKE_MARKER = re.compile(r"(?i)(?:--|/\*)\s*if\s*:")  # misspelt ones too
_CLAUSES = (
    *("SELECT", "FROM", "ON", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET"),
    *("FETCH", "FOR", "UNION", "INTERSECT", "EXCEPT"),
)
_WRITING = ("INSERT", "DELETE", "MERGE")


@dataclass(frozen=True, slots=True)
class OptionalLine:
    """A line that may be absent: the parameter that decides, and its place in the text."""

    parameter: str
    start: int
    end: int


def optional_lines(sql: str) -> list[OptionalLine]:
    """The lines of a statement that may be absent.

    Raises:
        SourceError: leaving out a marked line would not leave out exactly one condition.
    """
    if not _LOOKS_LIKE_MARKER.search(sql):
        return []
    read = list(tokens(sql))
    markers = [
        token
        for token in read
        if token.kind is TokenKind.COMMENT and _LOOKS_LIKE_MARKER.match(token.text)
    ]
    significant = [token for token in read if token.kind not in IGNORED]
    _refuse_writes(significant)
    lines = [_line(sql, marker, significant) for marker in markers]
    number = len({line.parameter for line in lines})
    if number > MAX_PARAMETERS:
        raise SourceError(f"{number} parameters have `-- if` lines; {MAX_PARAMETERS} are the most")
    return lines


def keep_lines(sql: str, lines: Sequence[OptionalLine], parameters: Sequence[str]) -> str:
    """The text with the lines of these parameters; the other lines become blanks."""
    for line in lines:
        if line.parameter not in parameters:
            blank = re.sub(r"\S", " ", sql[line.start : line.end])
            sql = sql[: line.start] + blank + sql[line.end :]
    return sql


def subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """All subsets of the parameters, each in their order."""
    for size in range(len(names) + 1):
        yield from combinations(names, size)


def _refuse_writes(significant: Sequence[Token]) -> None:
    words = [token.text.upper() for token in significant]
    for number, word in enumerate(words):
        is_lock = word == "UPDATE" and number and words[number - 1] in ("FOR", "KEY")
        if word in _WRITING or (word == "UPDATE" and not is_lock):
            raise SourceError(
                f"`-- if` is for statements that only read, and this has {word}",
                significant[number].offset,
            )


def _clauses(significant: Sequence[Token]) -> list[tuple[int, str]]:
    """For each token, how many brackets are open and in which clause of a SELECT it stands."""
    clauses: list[tuple[int, str]] = []
    stack, before = [""], ""
    for token in significant:
        word = token.text.upper() if token.kind is TokenKind.WORD else token.text
        if word in ("(", "[", "CASE"):
            stack.append("")
        elif word in (")", "]", "END") and len(stack) > 1:
            stack.pop()
        elif word in _CLAUSES and (word, before) != ("FROM", "DISTINCT"):  # IS DISTINCT FROM
            # The WHERE of an aggregate's FILTER is no clause of a SELECT.
            stack[-1] = word if word == "SELECT" or stack[-1] else ""
        clauses.append((len(stack), stack[-1]))
        before = word
    return clauses


def _line(sql: str, marker: Token, significant: Sequence[Token]) -> OptionalLine:
    def require(holds: bool, rule: str) -> None:
        if not holds:
            raise SourceError(f"`-- if` line: {rule}", marker.offset)

    named = _MARKER.fullmatch(marker.text)
    if named is None:
        raise SourceError("`-- if` line: write it as `-- if :parameter`", marker.offset)
    start = sql.rfind("\n", 0, marker.offset) + 1
    inside = [n for n, token in enumerate(significant) if start <= token.offset < marker.offset]
    require(bool(inside), "put the condition on the same line, before this comment")
    clauses = _clauses(significant)
    depth, clause = clauses[inside[0]]
    words = [significant[n].text.upper() for n in inside if clauses[n][0] == depth]
    require(words[:1] == ["AND"], "it must begin with AND, so it can't be the first condition")
    require(clause == "WHERE", "it must be in the WHERE of a SELECT")
    require(
        all(clauses[n][0] >= depth for n in inside) and clauses[inside[-1]][0] == depth,
        "it must close every bracket that it opens, and no others",
    )
    require(
        len(inside) > 1 and words.count("AND") == 1 + words.count("BETWEEN"),
        "it must hold exactly one condition; put another one on its own line",
    )
    following = [token.text.upper() for token in significant[inside[-1] + 1 :][:1]]
    require(
        {"AND", ")", ";", *_CLAUSES}.issuperset(following), "its condition must end on this line"
    )
    require(
        "OR" not in _where(inside[0], significant, clauses),
        "put brackets around the OR in this WHERE",
    )
    return OptionalLine(named[1], start, marker.offset + len(marker.text))


def _where(
    place: int, significant: Sequence[Token], clauses: Sequence[tuple[int, str]]
) -> list[str]:
    """The words of the WHERE around a token, without those in brackets."""
    depth = clauses[place][0]
    within = [clause == (depth, "WHERE") or clause[0] > depth for clause in clauses]
    first = max((n for n in range(place) if not within[n]), default=-1) + 1
    last = next((n for n in range(place, len(significant)) if not within[n]), len(significant))
    return [significant[n].text.upper() for n in range(first, last) if clauses[n][0] == depth]
