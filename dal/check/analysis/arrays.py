"""Arrays, and whether their elements may be NULL."""

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from dal.check.analysis.values import (
    Value,
    common_type,
    never_null,
    short,
    together,
    unproven,
)
from dal.check.schema.routines import Routine
from dal.check.schema.types import LITERAL, NOT_KNOWN, TEXT

if TYPE_CHECKING:
    from dal.check.analysis.scope import Scope

# Their result has no NULL element, whatever the arguments.
_SPLITS = {"regexp_split_to_array", "regexp_split_to_array_no_flags", "text_to_array"}
_KEEP_NULL_FREE = {"array_cat", "array_append", "array_prepend", "array_larger", "array_smaller"}


def null_free(candidates: list[Routine], operands: list[Value], scope: "Scope") -> bool:
    """Whether the array that these functions return has no NULL element."""
    return bool(candidates) and all(
        _result_null_free(routine, operands, scope) for routine in candidates
    )


def _result_null_free(routine: Routine, operands: list[Value], scope: "Scope") -> bool:
    if not routine.builtin:
        return False
    if routine.source in _SPLITS:
        return True
    if routine.source == "array_remove":
        return operands[0].null_free or operands[1].always_null
    if routine.source in _KEEP_NULL_FREE:
        return all(adds_no_null(argument, scope) for argument in operands)
    return False


def adds_no_null(value: Value, scope: "Scope") -> bool:
    """Whether a value adds no NULL to an array that it becomes an element or a part of."""
    types = scope.routines.types
    if types.scalar(types.base(value.type)):
        return value.never_null
    return value.null_free and (value.never_null or bool(types.element(value.type)))


def literal_is_null_free(node: exp.Expr) -> bool:
    """Whether an array literal has no NULL element."""
    text = node.name if isinstance(node, exp.Literal) else "null"
    return not re.search(r"\bnull\b", text, re.IGNORECASE)


def array(node: exp.Array, scope: "Scope") -> Value:
    """The value of ARRAY[...]."""
    parts = [scope.value(part) for part in node.expressions]
    element = common_type(parts)
    types = scope.routines.types
    if parts and all(part.type == LITERAL for part in parts):
        element = TEXT
    type_ = element if types.element(element) else types.array(element)
    null_free = all(
        part.never_null if part.type == LITERAL else adds_no_null(part, scope) for part in parts
    )
    return never_null("ARRAY is never NULL", type_, null_free=null_free)


def array_subquery(columns: list[Value], scope: "Scope") -> Value:
    """The value of ARRAY(SELECT ...)."""
    if len(columns) != 1:
        return never_null("ARRAY is never NULL")
    types = scope.routines.types
    type_ = columns[0].type if types.element(columns[0].type) else types.array(columns[0].type)
    return never_null(
        "ARRAY is never NULL",
        type_,
        null_free=adds_no_null(columns[0], scope) and columns[0].never_null,
    )


def subscript(node: exp.Bracket, scope: "Scope") -> Value:
    """The value of an array's element or slice."""
    array = scope.value(node.this)
    types = scope.routines.types
    element = types.element(types.base(array.type))
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Slice) and element:
        slice_ = node.expressions[0]
        bounds = [
            bound for bound in (slice_.this, slice_.expression) if isinstance(bound, exp.Expr)
        ]
        made = together(node, [array, *map(scope.value, bounds)])
        return made.derived(array.type, null_free=array.null_free)
    return unproven(f"there may be no {short(node)}", element or NOT_KNOWN)
