"""Parses CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY statements."""

from dataclasses import dataclass

from dal.source.identifiers import fold
from dal.source.scanner import IGNORED, ScanError, Token, TokenKind, tokens

_BUILD = ("INDEX", "CONCURRENTLY", "IF", "NOT", "EXISTS")
_DROP = ("INDEX", "CONCURRENTLY", "IF", "EXISTS")
_BEGINNINGS = (("CREATE", *_BUILD), ("CREATE", "UNIQUE", *_BUILD), ("DROP", *_DROP))


@dataclass(frozen=True, slots=True)
class ConcurrentIndex:
    """An index, as a statement names it.

    Attributes:
        name: as the catalogue has it.
        written: the name as it is written, with its schema if the statement names it.
        table: the table's name as it is written; None where the index is dropped.
        plain: the statement without CONCURRENTLY.
        definition: what follows the table, such as `(user_id)`.
        unique: whether it is a UNIQUE index.
    """

    name: str
    written: str
    table: str | None
    plain: str
    definition: str
    unique: bool


def significant_tokens(statement: str) -> list[Token]:
    """The tokens that are neither space nor comment; an empty list if the text can't be read."""
    try:
        return [token for token in tokens(statement) if token.kind not in IGNORED]
    except ScanError:
        return []


def keywords(read: list[Token]) -> list[str]:
    """Each token's text; words are in capitals."""
    return [token.text.upper() if token.kind is TokenKind.WORD else token.text for token in read]


def parse_index(statement: str) -> ConcurrentIndex | None:
    """The index, if the statement is CREATE or DROP INDEX CONCURRENTLY IF (NOT) EXISTS."""
    read = significant_tokens(statement)
    words = keywords(read)
    begin = next((start for start in _BEGINNINGS if tuple(words[: len(start)]) == start), None)
    if begin is None:
        return None
    names, place = _name(read, len(begin))
    table: list[Token] = []
    if begin[0] == "CREATE":
        place += 2 if words[place : place + 2] == ["ON", "ONLY"] else 1
        table, place = _name(read, place)
    if not names or (begin[0] == "CREATE" and not table):
        return None
    concurrently = read[words.index("CONCURRENTLY")]
    end = concurrently.offset + len(concurrently.text)
    return ConcurrentIndex(
        name=fold(names[-1].text),
        written="".join(token.text for token in names),
        table="".join(token.text for token in table) or None,
        plain=statement[: concurrently.offset] + statement[end:],
        definition=statement[read[place].offset :] if place < len(read) else "",
        unique="UNIQUE" in begin,
    )


def _name(read: list[Token], place: int) -> tuple[list[Token], int]:
    """The tokens of a name, qualified or not, and the place after it."""
    start = place
    while place < len(read) and _is_name(read[place]):
        place += 1
        if place == len(read) or read[place].text != ".":
            return read[start:place], place
        place += 1
    return [], place


def _is_name(token: Token) -> bool:
    # PostgreSQL also accepts U&"..." names; they are not supported here.
    return token.kind is TokenKind.WORD or (
        token.kind is TokenKind.QUOTED and token.text.startswith('"')
    )
