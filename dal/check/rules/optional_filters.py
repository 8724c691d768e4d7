"""Filters that a parameter can switch off."""

from collections.abc import Iterator

from sqlglot import exp

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.tree import inner


def optional_filters(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Conditions such as `:x IS NULL OR column = :x`, which no generic plan has an index for."""
    for place in statement.tree.find_all(exp.Where, exp.Join, exp.Having):
        condition = place.args.get("on") if isinstance(place, exp.Join) else place.this
        for node in condition.walk(prune=_is_query) if condition else ():
            if switch := _switch(node):
                yield statement.finding(
                    "optional-filter",
                    statement.place(switch),
                    "a filter that a parameter can switch off reads every row under a generic plan",
                    "write two files, or a sentinel that keeps the index condition, such as"
                    " column < coalesce(:before, 'infinity')",
                )


def _switch(node: exp.Expr) -> exp.Expr | None:
    """The part of a condition that makes it true by a parameter alone."""
    if isinstance(node, exp.Or):
        sides = (node.this, node.expression)
        return next((side for side in sides if _without_columns(side)), None)
    if isinstance(node, exp.EQ):
        sides = (node.this, node.expression)
        return next((side for side in sides if _is_itself(side, node)), None)
    return None


def _is_query(node: exp.Expr) -> bool:
    return isinstance(node, exp.Query)


def _without_columns(side: exp.Expr) -> bool:
    return side.find(exp.Parameter) is not None and side.find(exp.Column) is None


def _is_itself(side: exp.Expr, equality: exp.EQ) -> bool:
    """Whether it is `coalesce(:x, column)` in `coalesce(:x, column) = column`."""
    value = inner(side)
    other = inner(equality.expression if side is equality.this else equality.this)
    return (
        isinstance(value, exp.Coalesce)
        and isinstance(inner(value.this), exp.Parameter)
        and any(inner(default) == other for default in value.expressions)
    )
