"""What a statement's output columns are: whether they may be NULL, and which column each one is.

The statement is only read, never run. A proof knows the columns' NOT NULL and nothing else of the
schema: keys, CHECKs and triggers are not looked at, and the operators, casts and functions are
taken for PostgreSQL's own.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlglot import exp

from dal.check.nullability.queries import Analysis
from dal.check.nullability.scope import Schema
from dal.check.nullability.syntax import Unclear
from dal.check.nullability.values import Nullability

__all__ = ["Nullability", "Output", "Schema", "outputs"]


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


def outputs(
    root: exp.Expr, names: Sequence[str], schema: Schema, views: Collection[str] = ()
) -> list[Output]:
    """What is proven of the columns that a statement gives.

    Parameters:
        root: its syntax tree.
        names: the columns, as PostgreSQL calls them.
        schema: tables and views.
        views: which relations of the schema are views.
    """
    counts = Counter(node.name for node in root.find_all(exp.Parameter))
    repeated = frozenset(("parameter", name) for name, count in counts.items() if count > 1)
    try:
        if any(not isinstance(star.parent, exp.Count) for star in root.find_all(exp.Star)):
            raise Unclear("`*` in a select list")
        items = Analysis(schema, views, repeated).query(root, None, {}).items
        if len(items) != len(names):
            raise Unclear("its columns can't be followed")
    except Unclear as unclear:
        return [Output(name, Nullability.UNKNOWN, str(unclear), None) for name in names]
    return [Output(name, one.nullability, one.reason, one.origin) for name, one in items]
