"""Whether an aggregate or a window function may be NULL, by the rows that it sees."""

from sqlglot import exp

from dal.check.nullability.kinds import AGGREGATES, LAGS, NEVER_NULL
from dal.check.nullability.values import (
    Context,
    Nullability,
    Value,
    not_null,
    nullable,
    short,
    unanalysed,
)


def aggregate(node: exp.Expr, context: Context, where: exp.Expr | None = None) -> Value:
    """An aggregate's value, with the condition of its FILTER."""
    if type(node) is exp.Count:
        return not_null("count() is never NULL")
    if type(node) not in AGGREGATES:
        return unanalysed(node)
    name = AGGREGATES[type(node)]
    if where:
        spoken = context.mentions(where)
        seen = nullable(f"{name}() with a FILTER that no row may pass", spoken | context.itself)
        return seen if spoken else unanalysed(node)
    if not context.grouped and context.certain is False:
        return nullable(f"{name}() over no rows", context.empty | context.itself)
    argument = node.this
    while isinstance(argument, (exp.Order, exp.Distinct)):
        argument = argument.this or argument.expressions[0]
    found = not_null("") if type(node) is exp.ArrayAgg else context.value(argument)
    if found.nullability is Nullability.NULLABLE:
        return nullable(f"{name}() of only NULLs: {found.reason}", found.proof)
    if found.nullability is Nullability.NOT_NULL and (context.grouped or context.certain):
        return not_null(f"{name}() over at least one row")
    return unanalysed(node)


def window(node: exp.Window, context: Context) -> Value:
    """A window function's value."""
    function = node.this
    if type(function) in NEVER_NULL:
        return not_null(f"{short(function)} is never NULL")
    if type(function) in LAGS and not function.args.get("offset"):
        return nullable(f"{short(function)} has no row beyond the edge", context.itself)
    framed = node.args.get("spec") or node.args.get("alias")
    if type(function) in AGGREGATES and not framed:
        argument = function.this
        found = context.value(argument)
        if type(function) is exp.ArrayAgg or found.nullability is Nullability.NOT_NULL:
            return not_null(f"{AGGREGATES[type(function)]}() over at least its own row")
    return unanalysed(node)
