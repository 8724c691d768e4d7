"""Whether an expression may be NULL, given what its scope knows of columns and rows."""

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dal.check.analysis import arrays, calls, choices
from dal.check.analysis.aggregates import aggregate, is_aggregate, window
from dal.check.analysis.kinds import constant, endless, is_call, operator
from dal.check.analysis.values import (
    Value,
    never_null,
    not_analysed,
    short,
    together,
    unproven,
)
from dal.check.dialect import arguments
from dal.check.schema.types import BOOL, INT, LITERAL, NUMERIC, TIMES_OF_DAY
from dal.check.tree import bare

if TYPE_CHECKING:
    from dal.check.analysis.scope import Scope


def value(node: exp.Expr, scope: "Scope") -> Value:
    """What is known of an expression."""
    match node:
        case exp.Paren() | exp.Collate():
            return scope.value(node.this)
        case exp.Column():
            return scope.column(node)
        case exp.Parameter():
            sent = frozenset({(node.name, False)})
            return replace(unproven(f"${node.name} may be NULL"), sent=sent)
        case exp.Null():
            return unproven(arrays.NULL_ITSELF, LITERAL, whole=True)
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
        return never_null("a constant", type_, whole=arrays.of_text(node))
    return _test(node, scope) or _call(node, scope)


def _test(node: exp.Expr, scope: "Scope") -> Value | None:
    """The value of a test or a row."""
    match node:
        case exp.Is() if isinstance(node.expression, (exp.Null, exp.Boolean)):
            return never_null("IS is never NULL", BOOL)
        case exp.Exists() | exp.NullSafeEQ() | exp.NullSafeNEQ():
            return never_null(f"{short(node)} is never NULL", BOOL)
        case exp.Not():
            return scope.value(node.this).made(BOOL)
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
    found = operator(node)
    if found and len(found[1]) == 2:
        return _compared(node, *found, scope)
    return None


def _call(node: exp.Expr, scope: "Scope") -> Value:
    if is_call(node, "row"):
        return never_null("a row")
    if is_call(node, "grouping"):
        return never_null("GROUPING is never NULL", INT)
    if is_call(node, "array"):
        return arrays.of_rows(scope.rows_of(arguments(node)[0]), scope)
    if is_aggregate(node, scope):
        return aggregate(node, scope)
    return calls.value(node, scope) or not_analysed(node)


def _cast(node: exp.Cast, scope: "Scope") -> Value:
    made = replace(calls.cast(node, scope), sent=scope.value(node.this).sent)
    if isinstance(node.this, exp.Literal) and node.this.is_string:
        return never_null("a constant", made.type, whole=made.whole)
    return made


def _extract(node: exp.Extract, scope: "Scope") -> Value:
    time = scope.value(node.expression)
    of_day = scope.routines.types.base(time.type) in TIMES_OF_DAY
    if endless(node) or of_day:
        return time.made(NUMERIC)
    return unproven(f"{short(node)} of an infinite time is NULL", NUMERIC)


def _between(node: exp.Between, scope: "Scope") -> Value:
    subject = scope.value(node.this)
    ends = [scope.value(node.args[key]) for key in ("low", "high")]
    for end, symbol in zip(ends, (">=", "<="), strict=True):
        if not _comparable(symbol, subject.type, end.type, scope):
            return not_analysed(node)
    return together(node, [subject, *ends], BOOL)


def _comparable(symbol: str, left: int, right: int, scope: "Scope") -> bool:
    """Whether an operator between these types is NULL only where one of its operands is."""
    meant = scope.routines.operators(symbol, [left, right])
    return bool(meant) and all(routine.deciding is not None for routine in meant)


def _parts(node: exp.Expr, scope: "Scope") -> list[Value]:
    """The values that a comparison looks at: of a row, each one's."""
    if isinstance(node, exp.Tuple) or is_call(node, "row"):
        parts = node.expressions if isinstance(node, exp.Tuple) else arguments(node)
        return [one for part in parts for one in _parts(part, scope)]
    return [scope.value(node)]


def _in(node: exp.In, scope: "Scope") -> Value:
    subject, query = _parts(node.this, scope), node.args.get("query")
    if query:
        others = scope.rows_of(query)
    else:
        others = [one for part in node.expressions for one in _parts(part, scope)]
    if not others or (
        len(subject) == 1
        and not all(_comparable("=", subject[0].type, other.type, scope) for other in others)
    ):
        return not_analysed(node)
    return together(node, [*subject, *others], BOOL)


def _compared(node: exp.Expr, symbol: str, sides: list[exp.Expr], scope: "Scope") -> Value | None:
    """A comparison of rows, or with ANY or ALL of several values."""
    if all(isinstance(side, exp.Tuple) or is_call(side, "row") for side in sides):
        return together(node, [part for side in sides for part in _parts(side, scope)], BOOL)
    several = next((side for side in sides if is_quantified(side)), None)
    if several is None:
        return None
    left = _parts(sides[0], scope)
    quantified = isinstance(several, (exp.Any, exp.All))
    inner = bare(several.this if quantified else arguments(several)[0])
    if isinstance(inner, exp.Query):
        elements = scope.rows_of(inner)
        types = [element.type for element in elements]
    else:
        array = scope.value(inner)
        null = unproven(f"an element of {short(inner)} may be NULL")
        elements = [array if array.whole else null]
        types = [scope.routines.types.element(scope.routines.types.base(array.type))]
    if len(left) == len(types) == 1 and not _comparable(symbol, left[0].type, types[0], scope):
        return not_analysed(node)
    return together(node, [*left, *elements], BOOL)


def is_quantified(node: exp.Expr) -> bool:
    """Whether it is ANY, SOME or ALL of several values."""
    return isinstance(node, (exp.Any, exp.All)) or is_call(node, "all") or is_call(node, "some")
