"""Filters that a parameter can switch off."""

from collections.abc import Iterator

from sqlglot import exp

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.tree import inner


def optional_filters(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Conditions such as `:x IS NULL OR column = :x`, for which generic plans can use no index."""
    for clause in statement.tree.find_all(exp.Where, exp.Join, exp.Having):
        condition = clause.args.get("on") if isinstance(clause, exp.Join) else clause.this
        for node in condition.walk(prune=_is_query) if condition else ():
            if part := _optional_part(node):
                yield statement.finding(
                    "optional-filter",
                    statement.offset_of(part),
                    "a filter that a parameter can switch off reads every row under a generic plan",
                    "write two files, or a sentinel that keeps the index condition, such as"
                    " column < coalesce(:before, 'infinity')",
                )


def _optional_part(node: exp.Expr) -> exp.Expr | None:
    """The part of a condition that a parameter alone can make true."""
    if isinstance(node, exp.Or):
        sides = (node.this, node.expression)
        return next((side for side in sides if _without_columns(side)), None)
    if isinstance(node, exp.EQ):
        sides = (node.this, node.expression)
        return next((side for side in sides if _defaults_to_other_side(side, node)), None)
    return None


def _is_query(node: exp.Expr) -> bool:
    return isinstance(node, exp.Query)


def _without_columns(side: exp.Expr) -> bool:
    return side.find(exp.Parameter) is not None and side.find(exp.Column) is None


def _defaults_to_other_side(side: exp.Expr, equality: exp.EQ) -> bool:
    """Whether a side is `coalesce(:x, column)` in `coalesce(:x, column) = column`."""
    value = inner(side)
    other_side = inner(equality.expression if side is equality.this else equality.this)
    return (
        isinstance(value, exp.Coalesce)
        and isinstance(inner(value.this), exp.Parameter)
        and any(inner(default) == other_side for default in value.expressions)
    )
