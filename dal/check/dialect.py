"""sqlglot's PostgreSQL dialect, which keeps the names of functions.

sqlglot turns several functions into one, such as upper() of a text and of a range, and drops the
names; here the catalogue tells what a function is, so its name has to stay.
"""

import logging
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.postgres import PostgresParser

from dal.source.scanner import TokenKind, tokens

# These are syntax, not functions that the catalogue knows.
_KEYWORD_FUNCTIONS = ("COALESCE", "GREATEST", "LEAST", "NULLIF")
_SPECIAL = {
    *("CAST", "EXTRACT", "JSON_OBJECT", "JSON_TABLE", "JSON_VALUE", "NORMALIZE", "OVERLAY"),
    *("POSITION", "SUBSTRING", "TRIM", "XMLELEMENT", "XMLTABLE"),
}


# A statement that sqlglot can't read becomes a finding; Python would also print its warning.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())

_OPERATOR_CHARACTERS = frozenset("+-*/<>=~!@#%^&|`?")


class _Plain(Postgres):
    class Parser(PostgresParser):
        FUNCTIONS: ClassVar = {name: PostgresParser.FUNCTIONS[name] for name in _KEYWORD_FUNCTIONS}
        FUNCTION_PARSERS: ClassVar = {
            name: parse
            for name, parse in PostgresParser.FUNCTION_PARSERS.items()
            if name in _SPECIAL
        }


class NotAnalysedError(ValueError):
    """sqlglot can't read a statement."""


def parsed(sql: str) -> exp.Expr:
    """The syntax tree of a statement.

    Raises:
        NotAnalysedError: sqlglot can't parse it, or knows only its first word.
    """
    try:
        roots = sqlglot.parse(_readable(sql), read=_Plain)
    except NotAnalysedError:
        raise
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        place = f"line {first.get('line')}, column {first.get('col')}: "
        raise NotAnalysedError(place + str(first.get("description", "not parsed"))) from None
    except (SqlglotError, ValueError, RecursionError) as error:
        raise NotAnalysedError(type(error).__name__) from None
    if len(roots) != 1 or roots[0] is None:
        raise NotAnalysedError("not one statement")
    return roots[0]


def _readable(sql: str) -> str:
    """The text with `@2` for a `$2` directly after a comma or a bracket.

    sqlglot reads `$1,$` of `$1,$2` as the beginning of a string. Positions do not change.

    Raises:
        NotAnalysedError: it has the operator `@`, which sqlglot reads as a parameter's mark.
    """
    for token in tokens(sql):
        beside = sql[max(token.offset - 1, 0) : token.offset + 2]
        if token.text == "@" and not _OPERATOR_CHARACTERS.intersection(beside.replace("@", "", 1)):
            raise NotAnalysedError("the operator @ is read as a parameter's mark")
    return "".join(
        token.text.replace("$", "@")
        if token.kind is TokenKind.POSITION and sql[: token.offset].endswith((",", "("))
        else token.text
        for token in tokens(sql)
    )
