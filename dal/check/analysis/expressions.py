"""Whether an expression may be NULL, by what its scope knows of columns and rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dal.check.analysis import arrays, calls, choices
from dal.check.analysis.aggregates import aggregate, is_aggregate, window
from dal.check.analysis.nodes import can_be_infinite, constant, is_call, operator, row_parts
from dal.check.analysis.values import (
    Value,
    never_null,
    not_analysed,
    short,
    together,
    unproven,
)
from dal.check.schema.types import BOOL, INT, LITERAL, NUMERIC, TIMES_OF_DAY
from dal.check.tree import arguments, bare

if TYPE_CHECKING:
    from dal.check.analysis.scope import Scope


def value(node: exp.Expr, scope: "Scope") -> Value:
    """The value of an expression."""
    match node:
        case exp.Paren() | exp.Collate():
            return scope.value(node.this)
        case exp.Column():
            return scope.column(node)
        case exp.Parameter():
            sent = frozenset({(node.name, False)})
            return replace(unproven(f"${node.name} may be NULL"), parameters=sent)
        case exp.Null():
            return replace(unproven("NULL itself", LITERAL, null_free=True), always_null=True)
        case exp.Subquery():
            return scope.scalar(node)
        case exp.Cast() if type(node) is exp.Cast:
            return _cast(node, scope)
        case exp.Case():
            return choices.case(node, scope)
        case exp.Nullif():
            return choices.nullif(node, scope)
        case exp.Coalesce() | exp.Greatest() | exp.Least():
            return choices.choice(node, scope)
        case exp.Array():
            return arrays.array(node, scope)
        case exp.Bracket():
            return arrays.subscript(node, scope)
        case exp.Filter():
            return aggregate(node.this, scope, node.expression)
        case exp.Window():
            return window(node, scope)
        case exp.Extract():
            return _extract(node, scope)
    type_ = constant(node)
    if type_ is not None:
        return never_null("a constant", type_, null_free=arrays.literal_is_null_free(node))
    return _test(node, scope) or _call(node, scope)


def _test(node: exp.Expr, scope: "Scope") -> Value | None:
    """The value of a test or a row, or None for another expression."""
    match node:
        case exp.Is() if isinstance(node.expression, (exp.Null, exp.Boolean)):
            return never_null("IS is never NULL", BOOL)
        case exp.Exists() | exp.NullSafeEQ() | exp.NullSafeNEQ():
            return never_null(f"{short(node)} is never NULL", BOOL)
        case exp.Not():
            return scope.value(node.this).derived(BOOL)
        case exp.And() | exp.Or():
            return together(node, [scope.value(node.left), scope.value(node.right)], BOOL)
        case exp.Tuple():
            return never_null("a row")
        case exp.In():
            return _in(node, scope)
        case exp.Between():
            return _between(node, scope)
        case exp.SimilarTo():
            sides = [scope.value(node.this), scope.value(node.expression)]
            return together(node, sides, BOOL)
    applied = operator(node)
    if applied and len(applied[1]) == 2:
        return _compared(node, *applied, scope)
    return None


def _call(node: exp.Expr, scope: "Scope") -> Value:
    if is_call(node, "row"):
        return never_null("a row")
    if is_call(node, "grouping"):
        return never_null("GROUPING is never NULL", INT)
    if is_call(node, "array"):
        return arrays.array_subquery(scope.rows_of(arguments(node)[0]), scope)
    if is_aggregate(node, scope):
        return aggregate(node, scope)
    return calls.value(node, scope) or not_analysed(node)


def _cast(node: exp.Cast, scope: "Scope") -> Value:
    result = replace(calls.cast(node, scope), parameters=scope.value(node.this).parameters)
    if isinstance(node.this, exp.Literal) and node.this.is_string:
        return never_null("a constant", result.type, null_free=result.null_free)
    return replace(result, always_null=isinstance(node.this, exp.Null))


def _extract(node: exp.Extract, scope: "Scope") -> Value:
    time = scope.value(node.expression)
    of_day = scope.routines.types.base(time.type) in TIMES_OF_DAY
    if can_be_infinite(node) or of_day:
        return time.derived(NUMERIC)
    return unproven(f"{short(node)} of an infinite time is NULL", NUMERIC)


def _between(node: exp.Between, scope: "Scope") -> Value:
    subject = _parts(node.this, scope)
    bounds = [_parts(node.args[key], scope) for key in ("low", "high")]
    for bound, symbol in zip(bounds, (">=", "<="), strict=True):
        if not _comparable(symbol, subject, bound, scope):
            return not_analysed(node)
    return together(node, [*subject, *bounds[0], *bounds[1]], BOOL)


def _comparable(symbol: str, left: Sequence[Value], right: Sequence[Value], scope: "Scope") -> bool:
    """Whether an operator is NULL only if one of its operands is."""
    if len(left) != len(right):
        return False
    for left_value, right_value in zip(left, right, strict=False):
        candidates = scope.routines.operators(symbol, [left_value.type, right_value.type])
        if not candidates or any(routine.deciding is None for routine in candidates):
            return False
    return True


def _parts(node: exp.Expr, scope: "Scope") -> list[Value]:
    """The values that a comparison reads: an expression's, or those of a row's parts."""
    row = row_parts(node)
    if row is None:
        return [scope.value(node)]
    return [value for part in row for value in _parts(part, scope)]


def _in(node: exp.In, scope: "Scope") -> Value:
    subject, query = _parts(node.this, scope), node.args.get("query")
    items = [_parts(part, scope) for part in node.expressions]
    compared = [scope.rows_of(query)] if query else items
    if not any(compared) or not all(_comparable("=", subject, item, scope) for item in compared):
        return not_analysed(node)
    return together(node, [*subject, *(value for item in compared for value in item)], BOOL)


def _compared(node: exp.Expr, symbol: str, sides: list[exp.Expr], scope: "Scope") -> Value | None:
    """The value of a comparison of rows, or with ANY or ALL."""
    if all(row_parts(side) is not None for side in sides):
        left, right = (_parts(side, scope) for side in sides)
    elif quantified := next((side for side in sides if is_quantified(side)), None):
        left, right = _parts(sides[0], scope), _quantified_values(quantified, scope)
    else:
        return None
    if not _comparable(symbol, left, right, scope):
        return not_analysed(node)
    return together(node, [*left, *right], BOOL)


def _quantified_values(node: exp.Expr, scope: "Scope") -> list[Value]:
    """The values that ANY or ALL compares with: an array's element, or a subselect's columns."""
    quantified = isinstance(node, (exp.Any, exp.All))
    inner = bare(node.this if quantified else arguments(node)[0])
    if isinstance(inner, exp.Query):
        return scope.rows_of(inner)
    array, types = scope.value(inner), scope.routines.types
    element = types.element(types.base(array.type))
    if array.never_null and not array.null_free:
        return [unproven(f"an element of {short(inner)} may be NULL", element)]
    return [array.derived(element)]


def is_quantified(node: exp.Expr) -> bool:
    """Whether an expression is ANY, SOME or ALL."""
    return isinstance(node, (exp.Any, exp.All)) or is_call(node, "all") or is_call(node, "some")
