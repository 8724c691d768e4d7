"""What holds for each row that a condition lets pass."""

from collections.abc import Iterable
from dataclasses import replace

from sqlglot import exp

from dal.check.nullability.kinds import COMPARISONS, named
from dal.check.nullability.scope import Scope
from dal.check.nullability.values import NO_FACTS, Nullability
from dal.check.tree import folded


def _excluded(condition: exp.Expr) -> Iterable[exp.Column]:
    """The columns that are not NULL in any row that a condition lets pass."""
    match condition:
        case exp.Paren():
            yield from _excluded(condition.this)
        case exp.And():
            yield from _excluded(condition.left)
            yield from _excluded(condition.right)
        case exp.Not(this=exp.Is(this=exp.Column() as column, expression=exp.Null()) as test):
            if not test.args.get("negate"):
                yield column
        case exp.Is(this=exp.Column() as column, expression=exp.Null()):
            if condition.args.get("negate"):
                yield column
        case _ if type(condition) in COMPARISONS:
            sides = (condition.this, condition.expression)
            # ALL of an empty array is true, of NULL as well.
            if not any(named(side, {"all"}) or isinstance(side, exp.All) for side in sides):
                yield from (side for side in sides if isinstance(side, exp.Column))


def restrict(scope: Scope, node: exp.Expr) -> None:
    """Takes in what holds for each row: WHERE, or the ON of an inner join."""
    scope.touched |= scope.mentions(node)
    scope.present |= scope.tables(node)
    for column in _excluded(node):
        alias, name = folded(column.args.get("table")), folded(column.this)
        holders = [
            key
            for key, relation in scope.relations.items()
            if name in relation.columns and alias in ("", key)
        ]
        if len(holders) == 1 and holders[0] != scope.target:
            exclude_null(scope, holders[0], name, "a condition excludes NULL")


def exclude_null(scope: Scope, alias: str, name: str, reason: str) -> None:
    """Takes in that a column is NULL in no row."""
    columns = scope.relations[alias].columns
    if columns[name].nullability is not Nullability.NOT_NULL:
        columns[name] = replace(
            columns[name], nullability=Nullability.NOT_NULL, reason=reason, proof=NO_FACTS
        )
