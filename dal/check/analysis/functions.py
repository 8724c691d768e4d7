"""Functions in FROM, and the columns of their rows."""

from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.calls import resolved
from dal.check.analysis.ownership import is_from_caller
from dal.check.analysis.scope import Scope
from dal.check.analysis.values import Items, Value, never_null, unproven
from dal.check.schema.types import BIGINT, JSON, JSONB, TEXT
from dal.check.tree import callee, folded

# They return no rows for a NULL argument, and no row with a NULL.
_NEVER_RETURN_NULL = {
    *("generate_series", "generate_subscripts", "json_object_keys", "jsonb_object_keys"),
    *("json_array_elements", "jsonb_array_elements", "regexp_split_to_table"),
}
_PAIRS = {"json_each", "jsonb_each"}
_PAIRS_OF_TEXT = {"json_each_text", "jsonb_each_text"}


def function_columns(scope: Scope, node: exp.Expr) -> Items:
    """The columns of a function's rows, as far as they are known by name."""
    call = node.this if isinstance(node, (exp.Lateral, exp.Table)) else node
    alias = node.args.get("alias")
    table_alias = alias if isinstance(alias, exp.TableAlias) else None
    names = [
        folded(name) for name in (table_alias.args.get("columns") or [] if table_alias else [])
    ]
    if call is None:  # ROWS FROM
        return [(name, unproven("a function's row")) for name in names]
    if isinstance(place := call.args.get("offset"), exp.Identifier):
        names.append(folded(place))  # sqlglot moves the last name there
    columns = _columns(scope, call)
    default_names = (
        _names(call, columns, folded(table_alias.this) if table_alias else "") if columns else []
    )
    if columns and _with_place(node, call):
        columns.append(never_null("a row number", BIGINT))
        default_names.append("ordinality")
    if len(names) > len(columns):
        row = replace(unproven("a function's row"), from_caller=_all_from_caller(scope, call))
        arrays = call.expressions if isinstance(call, exp.Unnest) else []
        parameters = [_items(scope.value(array)) for array in arrays] + [frozenset()] * len(names)
        return [
            (name, replace(row, parameters=sources))
            for name, sources in zip(names, parameters, strict=False)
        ]
    return list(zip(names + default_names[len(names) :], columns, strict=True))


def _with_place(node: exp.Expr, call: exp.Expr) -> bool:
    """Whether WITH ORDINALITY numbers the rows."""
    return bool(node.args.get("ordinality") or call.args.get("offset"))


def _names(call: exp.Expr, columns: list[Value], alias: str) -> list[str]:
    """The names of columns that the statement does not name."""
    called = callee(call)
    if called and called[1] in _PAIRS | _PAIRS_OF_TEXT:
        return ["key", "value"]
    # The only column of a function has the name of its alias.
    name = alias or (called[1] if called else "unnest")
    return [name] * len(columns) if len(columns) < 2 else [""] * len(columns)


def _columns(scope: Scope, call: exp.Expr) -> list[Value]:
    """The values of a row; empty if they are not known."""
    types = scope.routines.types
    if isinstance(call, exp.Unnest):
        arrays = [scope.value(argument) for argument in call.expressions]
        if not all(types.scalar(types.element(types.base(array.type))) for array in arrays):
            return []
        is_only = len(arrays) == 1  # of several, shorter ones are padded with NULLs
        elements = [
            _element(array, types.element(types.base(array.type)), is_only) for array in arrays
        ]
        return [
            replace(element, from_caller=is_from_caller(node, scope), parameters=_items(array))
            for element, node, array in zip(elements, call.expressions, arrays, strict=True)
        ]
    called = callee(call)
    meaning = resolved(call, scope) if called else None
    if (
        not called
        or not meaning
        or not meaning[0]
        or not all(routine.builtin for routine in meaning[0])
    ):
        return []
    candidates, _, operands = meaning
    name = called[1]
    type_ = scope.routines.result(candidates, [value.type for value in operands])
    row = f"{name}() gives no row with a NULL"
    if name in _NEVER_RETURN_NULL:
        return [never_null(row, type_)]
    if name in _PAIRS:
        return [never_null(row, TEXT), never_null(row, JSON if name == "json_each" else JSONB)]
    if name in _PAIRS_OF_TEXT:
        return [never_null(row, TEXT), unproven(f"{name}() gives NULL for a JSON null", TEXT)]
    if types.scalar(type_):
        return [unproven("a function's row", type_)]
    return []


def _items(array: Value) -> frozenset[tuple[str, bool]]:
    """The parameters whose items may be an array's elements."""
    return frozenset((name, True) for name, is_item in array.parameters if not is_item)


def _all_from_caller(scope: Scope, call: exp.Expr) -> bool:
    """Whether all arrays of an unnest() come from the caller."""
    return isinstance(call, exp.Unnest) and all(
        is_from_caller(array, scope) for array in call.expressions
    )


def _element(array: Value, type_: int, is_only: bool) -> Value:
    if array.null_free and is_only:
        return never_null("no element of the array is NULL", type_)
    return unproven("an element of the array may be NULL", type_)
