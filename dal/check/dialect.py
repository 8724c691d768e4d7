"""PostgreSQL as sqlglot reads it, with functions left as they are written.

sqlglot makes one function of several, such as upper() of a text and of a range, and drops the
names; here the catalogue says what a function is, so its name has to stay.
"""

import logging
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.postgres import PostgresParser

from dal.source.scanner import Kind, tokens

# They are syntax, and no functions that the catalogue knows.
_SYNTAX = ("COALESCE", "GREATEST", "LEAST", "NULLIF")
_SPECIAL = {
    *("CAST", "EXTRACT", "JSON_OBJECT", "JSON_TABLE", "JSON_VALUE", "NORMALIZE", "OVERLAY"),
    *("POSITION", "SUBSTRING", "TRIM", "XMLELEMENT", "XMLTABLE"),
}


# What sqlglot can't read is a finding; Python would print the warning as well.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())

_OPERATOR_CHARACTERS = frozenset("+-*/<>=~!@#%^&|`?")


class _Plain(Postgres):
    class Parser(PostgresParser):
        FUNCTIONS: ClassVar = {name: PostgresParser.FUNCTIONS[name] for name in _SYNTAX}
        FUNCTION_PARSERS: ClassVar = {
            name: parse
            for name, parse in PostgresParser.FUNCTION_PARSERS.items()
            if name in _SPECIAL
        }


class NotAnalysedError(ValueError):
    """sqlglot can't read a statement."""


def parsed(sql: str) -> exp.Expr:
    """A statement's tree.

    Raises:
        NotAnalysedError: sqlglot can't parse it, or knows nothing but its first word.
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
    """The text with `@2` for a `$2` that stands right behind a comma or a bracket.

    sqlglot takes `$1,$` of `$1,$2` for the beginning of a string. The places stay the same.

    Raises:
        NotAnalysedError: it has the operator `@`, which sqlglot takes for such a mark.
    """
    for token in tokens(sql):
        beside = sql[max(token.offset - 1, 0) : token.offset + 2]
        if token.text == "@" and not _OPERATOR_CHARACTERS.intersection(beside.replace("@", "", 1)):
            raise NotAnalysedError("the operator @ is read as a parameter's mark")
    return "".join(
        token.text.replace("$", "@")
        if token.kind is Kind.POSITION and sql[: token.offset].endswith((",", "("))
        else token.text
        for token in tokens(sql)
    )
