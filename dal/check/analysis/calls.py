"""Functions, operators and casts: which ones PostgreSQL may choose, and when they return NULL."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dal.check.analysis import arrays
from dal.check.analysis.nodes import call, operator
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
    """The candidate functions of a call or an operator, its operands and their values, or None."""
    routines = scope.routines
    if applied_operator := operator(node):
        symbol, operands = applied_operator
        if any(isinstance(operand, _QUANTIFIED) for operand in operands):
            return None
        values = [scope.value(operand) for operand in operands]
        return routines.operators(symbol, [value.type for value in values]), operands, values
    called = call(node)
    if called is None:
        return None
    schema, name, operands = called
    if any(
        isinstance(argument, (exp.Variadic, exp.Star, exp.Distinct, exp.Order))
        for argument in operands
    ):
        return [], operands, []
    has_names = any(isinstance(argument, _NAMED) for argument in operands)
    operands = [
        argument.expression if isinstance(argument, _NAMED) else argument for argument in operands
    ]
    values = [scope.value(argument) for argument in operands]
    # Named arguments are not matched with parameters, so their types are left open.
    types = [NOT_KNOWN if has_names else value.type for value in values]
    return routines.calls(schema, name, types), operands, values


def value(node: exp.Expr, scope: "Scope") -> Value | None:
    """The value of a call or an operator, or None for another node."""
    call = resolved(node, scope)
    if call is None:
        return None
    candidates, _, operands = call
    result = applied(node, candidates, operands, scope)
    null_if_unmatched = frozenset[int]().union(
        *(argument.null_if_unmatched for argument in operands)
    )
    return (
        replace(result, null_if_unmatched=null_if_unmatched)
        if candidates and _strict(candidates)
        else result
    )


def applied(
    node: exp.Expr, candidates: list[Routine], operands: list[Value], scope: "Scope"
) -> Value:
    """The value that a call of any of these functions returns."""
    if not candidates:
        return not_analysed(node)
    type_ = scope.routines.result(candidates, [argument.type for argument in operands])
    null_free = arrays.null_free(candidates, operands, scope)
    counts = [routine.deciding for routine in candidates]
    if any(count is None for count in counts):
        result = not_analysed(node)
        if all(routine.builtin for routine in candidates):
            result = unproven(f"{short(node)} may be NULL though no operand is")
    else:
        result = together(node, operands[: max(count or 0 for count in counts)])
    return replace(result, type=type_, null_free=null_free)


def strict_operands(node: exp.Expr, scope: "Scope") -> Iterable[exp.Expr]:
    """The operands that make a call, an operator or a cast NULL if they are NULL."""
    if type(node) is exp.Cast:
        target = scope.routines.types.named(node.to)
        candidates = scope.routines.casts(scope.value(node.this).type, target)
        return [node.this] if candidates is not None and _strict(candidates) else []
    call = resolved(node, scope)
    return call[1] if call and call[0] and _strict(call[0]) else []


def _strict(candidates: list[Routine]) -> bool:
    return all(
        routine.builtin and routine.strict and not routine.set_returning for routine in candidates
    )


def cast(node: exp.Cast, scope: "Scope") -> Value:
    """The value of a cast."""
    types = scope.routines.types
    target, operand = types.named(node.to), scope.value(node.this)
    candidates = scope.routines.casts(operand.type, target)
    if candidates is None:
        return not_analysed(node)
    never_adds_null = all(routine.deciding is not None for routine in candidates)
    null_free = operand.null_free and bool(types.element(operand.type)) and never_adds_null
    if operand.type == LITERAL and types.element(target):
        null_free = arrays.literal_is_null_free(node.this)
    by_element = types.element(types.base(target)) and types.element(operand.type)
    if not never_adds_null and not by_element:  # each element of an array is cast separately
        return unproven(f"{short(node)} may be NULL though its operand is not", target)
    result = operand.derived(target, null_free=null_free)
    return replace(
        result,
        null_if_unmatched=operand.null_if_unmatched,
        only_null_if_unmatched=operand.only_null_if_unmatched if never_adds_null else 0,
    )
