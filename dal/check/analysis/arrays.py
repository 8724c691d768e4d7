"""Arrays, and whether an element of theirs may be NULL."""

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

# What they give has no NULL in it, whatever they take.
_SPLITS = {"regexp_split_to_array", "regexp_split_to_array_no_flags", "text_to_array"}
_KEEPING = {"array_cat", "array_append", "array_prepend", "array_larger", "array_smaller"}


def null_free(meant: list[Routine], given: list[Value], scope: "Scope") -> bool:
    """Whether no element is NULL of the array that functions give for these arguments."""
    return bool(meant) and all(_whole(routine, given, scope) for routine in meant)


def _whole(routine: Routine, given: list[Value], scope: "Scope") -> bool:
    if not routine.own:
        return False
    if routine.source in _SPLITS:
        return True
    if routine.source == "array_remove":
        return given[0].null_free or given[1].always_null
    if routine.source in _KEEPING:
        return all(filled(argument, scope) for argument in given)
    return False


def filled(value: Value, scope: "Scope") -> bool:
    """Whether a value puts no NULL into an array that it becomes an element or a part of."""
    types = scope.routines.types
    if types.scalar(types.base(value.type)):
        return value.never_null
    return value.null_free and (value.never_null or bool(types.element(value.type)))


def of_text(node: exp.Expr) -> bool:
    """Whether an array that is written as a text has no NULL in it."""
    text = node.name if isinstance(node, exp.Literal) else "null"
    return not re.search(r"\bnull\b", text, re.IGNORECASE)


def array(node: exp.Array, scope: "Scope") -> Value:
    """ARRAY[...]."""
    parts = [scope.value(part) for part in node.expressions]
    element = common_type(parts)
    types = scope.routines.types
    if parts and all(part.type == LITERAL for part in parts):
        element = TEXT
    type_ = element if types.element(element) else types.array(element)
    whole = all(part.never_null if part.type == LITERAL else filled(part, scope) for part in parts)
    return never_null("ARRAY is never NULL", type_, null_free=whole)


def of_rows(rows: list[Value], scope: "Scope") -> Value:
    """ARRAY(SELECT ...)."""
    if len(rows) != 1:
        return never_null("ARRAY is never NULL")
    types = scope.routines.types
    type_ = rows[0].type if types.element(rows[0].type) else types.array(rows[0].type)
    return never_null(
        "ARRAY is never NULL", type_, null_free=filled(rows[0], scope) and rows[0].never_null
    )


def subscript(node: exp.Bracket, scope: "Scope") -> Value:
    """An element of an array, or a slice."""
    array = scope.value(node.this)
    types = scope.routines.types
    element = types.element(types.base(array.type))
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Slice) and element:
        ends = node.expressions[0]
        bounds = [end for end in (ends.this, ends.expression) if isinstance(end, exp.Expr)]
        made = together(node, [array, *map(scope.value, bounds)])
        return made.made(array.type, null_free=array.null_free)
    return unproven(f"there may be no {short(node)}", element or NOT_KNOWN)
