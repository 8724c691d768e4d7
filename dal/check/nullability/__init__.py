"""What a statement's output columns are: whether they may be NULL, and which column each one is.

The statement is only read, never run. A proof knows the columns' NOT NULL and nothing else of the
schema: keys, CHECKs and triggers are not looked at, and the operators, casts and functions are
taken for PostgreSQL's own.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from dal.check.nullability.queries import Analysis
from dal.check.nullability.scope import Schema
from dal.check.nullability.syntax import Unclear, item_names
from dal.check.nullability.values import Nullability, unknown

__all__ = ["NotAnalysed", "Nullability", "Output", "Schema", "outputs"]


@dataclass(frozen=True, slots=True)
class Output:
    """A column of a statement's result.

    Attributes:
        name: as the client sees it, or `""` where PostgreSQL chooses it.
        nullability: what is proven.
        reason: why, for a person.
        origin: relation and column, where the value is that column's unchanged.
    """

    name: str
    nullability: Nullability
    reason: str
    origin: tuple[str, str] | None


class NotAnalysed(ValueError):  # noqa: N818
    """The statement's text is nothing that sqlglot can parse."""


def outputs(sql: str, schema: Schema, views: Collection[str] = ()) -> list[Output]:
    """What is proven of the columns that a statement gives.

    Args:
        sql: one statement as it is sent, with `$1` for its first parameter.
        schema: tables and views.
        views: which relations of the schema are views.

    Raises:
        NotAnalysed: sqlglot can't parse the statement.
        ValueError: there is a `*` in a select list.
    """
    root = _parsed(sql)
    if any(not isinstance(star.parent, exp.Count) for star in root.find_all(exp.Star)):
        raise ValueError("`*` in a select list: name the columns")
    counts = Counter(node.name for node in root.find_all(exp.Parameter))
    repeated = frozenset(("parameter", name) for name, count in counts.items() if count > 1)
    try:
        items = Analysis(schema, views, repeated).query(root, None, {}).items
    except Unclear as unclear:
        items = [(name, unknown(str(unclear))) for name in item_names(root)]
    return [Output(name, one.nullability, one.reason, one.origin) for name, one in items]


def _parsed(sql: str) -> exp.Expr:
    try:
        [root] = sqlglot.parse(sql, read="postgres")
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        place = f"line {first.get('line')}, column {first.get('col')}: "
        raise NotAnalysed(place + str(first.get("description", "not parsed"))) from None
    except (SqlglotError, ValueError) as error:
        raise NotAnalysed(re.sub(r"\x1b\[\d*m", "", str(error))) from None
    if root is None or isinstance(root, exp.Command):
        raise NotAnalysed("not a statement that sqlglot knows")
    return root
