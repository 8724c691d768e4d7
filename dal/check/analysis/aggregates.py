"""Whether an aggregate or a window function may be NULL, by the rows that it sees."""

from typing import TYPE_CHECKING

from sqlglot import exp

from dal.check.analysis import arrays
from dal.check.analysis.values import (
    Value,
    never_null,
    not_analysed,
    short,
    together,
    unproven,
)
from dal.check.schema.types import BIGINT, FLOAT, NOT_KNOWN
from dal.check.tree import arguments, callee, folded

if TYPE_CHECKING:
    from dal.check.analysis.scope import Scope

COUNTS = {"count", "regr_count"}
# NULL only where there is no row, and where there is no row whose value is not NULL.
OF_ROWS = {"array_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg"}
OF_VALUES = {
    *("sum", "avg", "min", "max", "string_agg", "bool_and", "bool_or", "every", "bit_and"),
    *("bit_or", "bit_xor", "any_value", "range_agg", "xmlagg"),
}
RANKS = {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist"}
_LAGS = {"lag", "lead"}
_OF_FRAME = {"first_value", "last_value"}


def is_aggregate(node: exp.Expr, scope: "Scope") -> bool:
    """Whether it is a call of an aggregate."""
    called = callee(node)
    return called is not None and "a" in {
        routine.kind for routine in scope.routines.functions(*called)
    }


def _own(node: exp.Expr, scope: "Scope") -> str:
    """The name of a function where it is certainly PostgreSQL's own, else `""`."""
    called = callee(node)
    if called is None:
        return ""
    meant = scope.routines.functions(*called)
    if not all(one.own for one in meant):  # an extension may add its own, as sum() of a vector
        given = [_taken(argument) for argument in arguments(node)]
        types = [
            NOT_KNOWN if argument is None else scope.value(argument).type for argument in given
        ]
        meant = scope.routines.calls(*called, types)
    return called[1] if meant and all(routine.own for routine in meant) else ""


def _taken(argument: exp.Expr) -> exp.Expr | None:
    """What an aggregate takes of each row, without DISTINCT and ORDER BY."""
    while isinstance(argument, (exp.Order, exp.Distinct)):
        argument = argument.this or argument.expressions[0]
    return None if isinstance(argument, (exp.Variadic, exp.Star)) else argument


def aggregate(node: exp.Expr, scope: "Scope", where: exp.Expr | None = None) -> Value:
    """An aggregate's value, with the condition of its FILTER."""
    name = _own(node, scope)
    if name in COUNTS:
        return never_null(f"{name}() is never NULL", BIGINT)
    if name not in OF_ROWS | OF_VALUES:
        return not_analysed(node)
    inside = scope.where(where.this) if where else scope
    argument, type_, whole = _argument(node, name, inside)
    if where:
        made = unproven(f"{name}() with a FILTER that no row may pass")
    elif not (scope.grouped or scope.never_empty):
        made = unproven(f"{name}() perhaps over no rows")
    elif not argument.never_null:
        made = unproven(f"{name}() of only NULLs: {argument.reason}")
    else:
        made = never_null(f"{name}() over at least one row")
    return made.made(type_, null_free=whole)


def _argument(node: exp.Expr, name: str, scope: "Scope") -> tuple[Value, int, bool]:
    """What an aggregate of rows sees of each one; the type of its result; whether that is whole."""
    given = arguments(node)
    argument = _taken(given[0]) if given else None
    if argument is None:
        return not_analysed(node), 0, False
    value = scope.value(argument)
    types = scope.routines.types
    if name == "array_agg":
        type_ = value.type if types.element(value.type) else types.array(value.type)
        whole = value.never_null and arrays.filled(value, scope)
        return never_null(""), type_, whole
    schema = (callee(node) or ("",))[0]
    type_ = scope.routines.result(scope.routines.calls(schema, name, [value.type]), [value.type])
    whole = value.null_free and name in ("min", "max", "any_value")
    return (never_null("") if name in OF_ROWS else value), type_, whole


def window(node: exp.Window, scope: "Scope") -> Value:
    """A window function's value."""
    function = node.this
    where = function.expression if isinstance(function, exp.Filter) else None
    function = function.this if where else function
    name = _own(function, scope)
    if name in RANKS | COUNTS:
        type_ = FLOAT if name in ("percent_rank", "cume_dist") else BIGINT
        return never_null(f"{short(function)} is never NULL", type_)
    given = [scope.value(argument) for argument in arguments(function)] if name in _LAGS else []
    if name in _LAGS:
        return _lag(function, given)
    if name == "ntile":
        return scope.value(arguments(function)[0]).made(BIGINT)
    if name in OF_ROWS | OF_VALUES | _OF_FRAME and not where and _sees_itself(node, scope):
        argument, type_, whole = _argument(function, name, scope)
        type_ = argument.type if name in _OF_FRAME else type_
        made = argument
        if argument.never_null:
            made = never_null(f"{name}() over at least its own row")
        return made.made(type_, null_free=whole or (name in _OF_FRAME and argument.null_free))
    return not_analysed(node)


def _lag(function: exp.Expr, given: list[Value]) -> Value:
    type_, whole = given[0].type, given[0].null_free
    if len(given) < 3:
        return unproven(f"{short(function)} has no row beyond the edge", type_, null_free=whole)
    made = together(function, given)
    return made.made(type_ if type_ == given[2].type else 0, null_free=whole and given[2].null_free)


def _sees_itself(node: exp.Window, scope: "Scope") -> bool:
    """Whether a frame certainly has the row in it that it belongs to."""
    spec = node.args.get("spec")
    seen = set()
    while spec is None and (name := node.args.get("alias")):
        known = scope.windows.get(folded(name))
        if not isinstance(known, exp.Window) or id(known) in seen:
            return False
        seen.add(id(known))
        node, spec = known, known.args.get("spec")
    if spec is None:
        return True
    start, end = (str(spec.args.get(f"{side}_side") or "").upper() for side in ("start", "end"))
    ends_here = spec.args.get("end") is None or end == "FOLLOWING" or _is_here(spec, "end")
    begins_here = start == "PRECEDING" or _is_here(spec, "start")
    return begins_here and ends_here and not spec.args.get("exclude")


def _is_here(spec: exp.Expr, side: str) -> bool:
    return str(spec.args.get(side)).upper() == "CURRENT ROW"
