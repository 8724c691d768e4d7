"""Searches a node and what is in it: the columns that it returns, its calls and its subselects."""

from collections.abc import Iterable, Iterator

from sqlglot import exp

from dal.check.analysis.nodes import functions_in, row_parts
from dal.check.analysis.values import Items
from dal.check.schema.routines import Routines
from dal.check.tree import bare, folded

# Syntax that looks like function calls.
_NOT_FUNCTIONS = {
    *("all", "array", "current_time", "current_timestamp", "grouping", "localtime"),
    *("localtimestamp", "row", "some"),
}


def item_name(node: exp.Expr) -> str:
    """The name of a select list's column, or `""` if PostgreSQL chooses it."""
    if isinstance(node, exp.Alias):
        return folded(node.args["alias"])
    while isinstance(node, (exp.Cast, exp.Paren)):
        node = node.this
    return folded(node.this) if isinstance(node, exp.Column) else ""


def item_names(root: exp.Expr) -> list[str]:
    """The names of the columns of a query, or of RETURNING."""
    if returning := root.args.get("returning"):
        return [item_name(item) for item in returning.expressions]
    while isinstance(root, (exp.SetOperation, exp.Subquery)):
        root = root.this
    if isinstance(root, exp.Values):
        return [f"column{place}" for place, _ in enumerate(root.expressions[0].expressions, 1)]
    return [item_name(item) for item in root.expressions] if isinstance(root, exp.Select) else []


def outside_subselects(node: exp.Expr, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
    """The nodes of a type outside of subselects."""
    for part in node.walk(prune=lambda inner: isinstance(inner, exp.Query)):
        if isinstance(part, kind):
            yield part


def aggregates_in(nodes: Iterable[exp.Expr], routines: Routines) -> Iterator[exp.Expr]:
    """The aggregates except those used as window functions."""
    for node in nodes:
        for call, schema, name in functions_in(outside_subselects(node, exp.Expr)):
            if "a" not in {routine.kind for routine in routines.functions(schema, name)}:
                continue
            inner = call
            while isinstance(inner.parent, (exp.Filter, exp.WithinGroup)):
                inner = inner.parent
            if not isinstance(inner.parent, exp.Window) or inner.parent.this is not inner:
                yield call


def may_return_rows(node: exp.Expr, routines: Routines) -> bool:
    """Whether a node calls a function that is unknown or may return any number of rows."""
    for _, schema, name in functions_in(outside_subselects(node, exp.Expr)):
        candidates = routines.functions(schema, name)
        is_syntax = not schema and name in _NOT_FUNCTIONS
        if not is_syntax and (
            not candidates or any(routine.set_returning for routine in candidates)
        ):
            return True
    return False


def renamed(items: Items, alias: object) -> Items:
    """Columns with the names that `AS t (a, b)` gives to the first ones."""
    columns = alias.args.get("columns") or [] if isinstance(alias, exp.TableAlias) else []
    names = [folded(column) for column in columns]
    return [
        (names[place] if place < len(names) else name, value)
        for place, (name, value) in enumerate(items)
    ]


def outermost(part: object) -> list[exp.Expr]:
    """The outermost subselects of a node or of a list of nodes."""
    if isinstance(part, exp.Query):
        return [part]
    if isinstance(part, exp.Expr):
        part = list(part.iter_expressions())
    return (
        [query for element in part for query in outermost(element)]
        if isinstance(part, list)
        else []
    )


def parts(node: exp.Expr | None) -> list[exp.Expr]:
    """The parts of a row or of a list of columns; any other node is its own only part."""
    if node is None:
        return []
    if isinstance(node, exp.Schema):
        return list(node.expressions)
    row = row_parts(node)
    return [bare(node)] if row is None else row
