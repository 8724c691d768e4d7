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
# The first are NULL only if there are no rows, the second also if all values are NULL.
NULL_WITHOUT_ROWS = {"array_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg"}
NULL_WITHOUT_VALUES = {
    *("sum", "avg", "min", "max", "string_agg", "bool_and", "bool_or", "every", "bit_and"),
    *("bit_or", "bit_xor", "any_value", "range_agg", "xmlagg"),
}
RANKS = {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist"}
_LAGS = {"lag", "lead"}
_OF_FRAME = {"first_value", "last_value"}


def is_aggregate(node: exp.Expr, scope: "Scope") -> bool:
    """Whether a node calls an aggregate."""
    called = callee(node)
    return called is not None and "a" in {
        routine.kind for routine in scope.routines.functions(*called)
    }


def _builtin_name(node: exp.Expr, scope: "Scope") -> str:
    """The name of a function that is certainly PostgreSQL's own, else `""`."""
    called = callee(node)
    if called is None:
        return ""
    candidates = scope.routines.functions(*called)
    # An extension may overload it, as sum() of a vector.
    if not all(routine.builtin for routine in candidates):
        operands = [_input(argument) for argument in arguments(node)]
        types = [
            NOT_KNOWN if argument is None else scope.value(argument).type for argument in operands
        ]
        candidates = scope.routines.calls(*called, types)
    return called[1] if candidates and all(routine.builtin for routine in candidates) else ""


def _input(argument: exp.Expr) -> exp.Expr | None:
    """The expression that an aggregate reads from each row, without DISTINCT and ORDER BY."""
    while isinstance(argument, (exp.Order, exp.Distinct)):
        argument = argument.this or argument.expressions[0]
    return None if isinstance(argument, (exp.Variadic, exp.Star)) else argument


def aggregate(node: exp.Expr, scope: "Scope", where: exp.Expr | None = None) -> Value:
    """An aggregate's value; `where` is the condition of its FILTER."""
    name = _builtin_name(node, scope)
    if name in COUNTS:
        return never_null(f"{name}() is never NULL", BIGINT)
    if name not in NULL_WITHOUT_ROWS | NULL_WITHOUT_VALUES:
        return not_analysed(node)
    inside = scope.where(where.this) if where else scope
    argument, type_, null_free = _argument(node, name, inside)
    if where:
        result = unproven(f"{name}() with a FILTER that may exclude every row")
    elif not (scope.grouped or scope.never_empty):
        result = unproven(f"{name}() may see no rows")
    elif not argument.never_null:
        result = unproven(f"{name}() may see only NULLs: {argument.reason}")
    else:
        result = never_null(f"{name}() over at least one row")
    return result.derived(type_, null_free=null_free)


def _argument(node: exp.Expr, name: str, scope: "Scope") -> tuple[Value, int, bool]:
    """An aggregate's input, the type of its result, and whether no element of that is NULL."""
    nodes = arguments(node)
    argument = _input(nodes[0]) if nodes else None
    if argument is None:
        return not_analysed(node), 0, False
    value = scope.value(argument)
    types = scope.routines.types
    if name == "array_agg":
        type_ = value.type if types.element(value.type) else types.array(value.type)
        null_free = value.never_null and arrays.adds_no_null(value, scope)
        return never_null(""), type_, null_free
    schema = (callee(node) or ("",))[0]
    type_ = scope.routines.result(scope.routines.calls(schema, name, [value.type]), [value.type])
    null_free = value.null_free and name in ("min", "max", "any_value")
    return (never_null("") if name in NULL_WITHOUT_ROWS else value), type_, null_free


def window(node: exp.Window, scope: "Scope") -> Value:
    """A window function's value."""
    function = node.this
    where = function.expression if isinstance(function, exp.Filter) else None
    function = function.this if where else function
    name = _builtin_name(function, scope)
    if name in RANKS | COUNTS:
        type_ = FLOAT if name in ("percent_rank", "cume_dist") else BIGINT
        return never_null(f"{short(function)} is never NULL", type_)
    operands = [scope.value(argument) for argument in arguments(function)] if name in _LAGS else []
    if name in _LAGS:
        return _lag(function, operands)
    if name == "ntile":
        return scope.value(arguments(function)[0]).derived(BIGINT)
    if (
        name in NULL_WITHOUT_ROWS | NULL_WITHOUT_VALUES | _OF_FRAME
        and not where
        and _frame_holds_own_row(node, scope)
    ):
        argument, type_, null_free = _argument(function, name, scope)
        type_ = argument.type if name in _OF_FRAME else type_
        made = argument
        if argument.never_null:
            made = never_null(f"{name}() over at least its own row")
        return made.derived(
            type_, null_free=null_free or (name in _OF_FRAME and argument.null_free)
        )
    return not_analysed(node)


def _lag(function: exp.Expr, operands: list[Value]) -> Value:
    type_, null_free = operands[0].type, operands[0].null_free
    if len(operands) < 3:
        return unproven(
            f"{short(function)} is NULL where there is no such row", type_, null_free=null_free
        )
    made = together(function, operands)
    return made.derived(
        type_ if type_ == operands[2].type else 0, null_free=null_free and operands[2].null_free
    )


def _frame_holds_own_row(node: exp.Window, scope: "Scope") -> bool:
    """Whether a window's frame certainly includes the current row."""
    spec = node.args.get("spec")
    seen = set()
    while spec is None and (name := node.args.get("alias")):
        named_window = scope.windows.get(folded(name))
        if not isinstance(named_window, exp.Window) or id(named_window) in seen:
            return False
        seen.add(id(named_window))
        node, spec = named_window, named_window.args.get("spec")
    if spec is None:
        return True
    start, end = (str(spec.args.get(f"{side}_side") or "").upper() for side in ("start", "end"))
    reaches_row = spec.args.get("end") is None or end == "FOLLOWING" or _is_current_row(spec, "end")
    begins_by_row = start == "PRECEDING" or _is_current_row(spec, "start")
    return begins_by_row and reaches_row and not spec.args.get("exclude")


def _is_current_row(spec: exp.Expr, side: str) -> bool:
    return str(spec.args.get(side)).upper() == "CURRENT ROW"
