"""Functions, operators and casts: which ones PostgreSQL may mean, and when they give NULL."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dal.check.analysis import arrays
from dal.check.analysis.kinds import call, operator
from dal.check.analysis.values import (
    Value,
    not_analysed,
    short,
    together,
    unproven,
)
from dal.check.schema.routines import Routine
from dal.check.schema.types import LITERAL, NOT_KNOWN

if TYPE_CHECKING:
    from dal.check.analysis.scope import Scope

_NAMED = (exp.Kwarg, exp.PropertyEQ)
_QUANTIFIED = (exp.Any, exp.All)


def resolved(
    node: exp.Expr, scope: "Scope"
) -> tuple[list[Routine], list[exp.Expr], list[Value]] | None:
    """What a call or an operator may mean, its operands and their values; None for neither."""
    routines = scope.routines
    if applied_operator := operator(node):
        symbol, nodes = applied_operator
        if any(isinstance(operand, _QUANTIFIED) for operand in nodes):
            return None
        given = [scope.value(operand) for operand in nodes]
        return routines.operators(symbol, [value.type for value in given]), nodes, given
    called = call(node)
    if called is None:
        return None
    schema, name, nodes = called
    if any(
        isinstance(argument, (exp.Variadic, exp.Star, exp.Distinct, exp.Order))
        for argument in nodes
    ):
        return [], nodes, []
    named = any(isinstance(argument, _NAMED) for argument in nodes)
    nodes = [
        argument.expression if isinstance(argument, _NAMED) else argument for argument in nodes
    ]
    given = [scope.value(argument) for argument in nodes]
    # Which argument a name is of, is not looked at.
    types = [NOT_KNOWN if named else value.type for value in given]
    return routines.calls(schema, name, types), nodes, given


def value(node: exp.Expr, scope: "Scope") -> Value | None:
    """The value of a call or of an operator, or None for what is neither."""
    call = resolved(node, scope)
    if call is None:
        return None
    meant, _, given = call
    made = applied(node, meant, given, scope)
    absent = frozenset[int]().union(*(argument.null_without for argument in given))
    return replace(made, null_without=absent) if meant and _strict(meant) else made


def applied(node: exp.Expr, meant: list[Routine], given: list[Value], scope: "Scope") -> Value:
    """What functions give for these arguments, of which it may be any."""
    if not meant:
        return not_analysed(node)
    type_ = scope.routines.result(meant, [argument.type for argument in given])
    whole = arrays.null_free(meant, given, scope)
    counts = [routine.deciding for routine in meant]
    if any(count is None for count in counts):
        made = not_analysed(node)
        if all(routine.own for routine in meant):
            made = unproven(f"{short(node)} may be NULL though no operand is")
    else:
        made = together(node, given[: max(count or 0 for count in counts)])
    return replace(made, type=type_, null_free=whole)


def strict_operands(node: exp.Expr, scope: "Scope") -> Iterable[exp.Expr]:
    """The operands for whose NULL a call, an operator or a cast certainly gives NULL."""
    if type(node) is exp.Cast:
        target = scope.routines.types.named(node.to)
        meant = scope.routines.casts(scope.value(node.this).type, target)
        return [node.this] if meant is not None and _strict(meant) else []
    call = resolved(node, scope)
    return call[1] if call and call[0] and _strict(call[0]) else []


def _strict(meant: list[Routine]) -> bool:
    return all(routine.own and routine.strict and not routine.set_returning for routine in meant)


def cast(node: exp.Cast, scope: "Scope") -> Value:
    """The value of a cast."""
    types = scope.routines.types
    target, operand = types.named(node.to), scope.value(node.this)
    meant = scope.routines.casts(operand.type, target)
    if meant is None:
        return not_analysed(node)
    sure = all(routine.deciding is not None for routine in meant)
    whole = operand.null_free and bool(types.element(operand.type)) and sure
    if operand.type == LITERAL and types.element(target):
        whole = arrays.of_text(node.this)
    each = types.element(types.base(target)) and types.element(operand.type)
    if not sure and not each:  # the elements of an array are cast each by itself
        return unproven(f"{short(node)} may be NULL though its operand is not", target)
    made = operand.made(target, null_free=whole)
    return replace(
        made,
        null_without=operand.null_without,
        only_null_without=operand.only_null_without if sure else 0,
    )
