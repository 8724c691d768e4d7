"""The rows of SELECT and VALUES, and the columns of a select list."""

from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.conditions import restrict
from dal.check.analysis.ownership import bound_to, equal_sides, is_from_caller, propagate
from dal.check.analysis.relations import Equality, Result
from dal.check.analysis.scope import Scope
from dal.check.analysis.sources import chain, from_item
from dal.check.analysis.syntax import aggregates_in, item_name, may_return_rows, outside_subselects
from dal.check.analysis.values import Items, Value, one_of
from dal.check.tree import folded

SUPPORTED = {
    *("expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset"),
    *("distinct", "windows", "locks", "with_"),
}
"""The arguments of a SELECT node that are supported."""


def select(scope: Scope, node: exp.Select) -> Result:
    """The rows of a SELECT, without WITH and LIMIT."""
    scope.note_unsupported(node, SUPPORTED)
    where, having = node.args.get("where"), node.args.get("having")
    note_equalities(scope, where)
    never_empty = True
    if from_ := node.args.get("from_"):
        first = from_item(scope, from_.this)
        _, never_empty = chain(scope, node.args.get("joins") or [], first)
    if where:
        restrict(scope, where.this)
    propagate(scope)
    clauses = (having, node.args.get("order"), node.args.get("distinct"))
    parts = [*node.expressions, *(part for part in clauses if part)]
    scope.windows = {folded(window.this): window for window in node.args.get("windows") or []}
    scope.never_empty = never_empty and not where
    group = node.args.get("group")
    scope.grouped = bool(group)
    aggregates = list(aggregates_in(parts, scope.routines))
    _note_unsupported(scope, group, aggregates)
    items = select_list(scope, node.expressions)
    calling = [*parts, *([group] if group else [])]
    any_number = any(may_return_rows(part, scope.routines) for part in calling)
    never_empty = (
        not having and not any_number and (scope.never_empty or bool(aggregates and not group))
    )
    return Result(items, never_empty)


def note_equalities(scope: Scope, where: exp.Expr | None) -> None:
    """Note the equalities of a WHERE, which filter all relations."""
    scope.equalities += [
        Equality(pair, scope.relations, scope.relations) for pair in equal_sides(where)
    ]


def _note_unsupported(scope: Scope, group: exp.Expr | None, aggregates: list[exp.Expr]) -> None:
    sets = (exp.Tuple, exp.GroupingSets, exp.Rollup, exp.Cube)
    if group and (
        {key for key, argument in group.args.items() if argument} != {"expressions"}
        or any(isinstance(part, sets) for part in group.expressions)
    ):
        scope.unsupported = "grouping sets are not analysed"
    for aggregate in aggregates:
        # Columns within a subselect may be its own.
        columns = (
            node
            for node in outside_subselects(aggregate, exp.Column)
            if isinstance(node, exp.Column)
        )
        named = aggregate.find(exp.Column)
        if named and not any(scope.local(column) for column in columns):
            scope.unsupported = "an aggregate of an outer query's rows is not analysed"


def select_list(scope: Scope, nodes: list[exp.Expr]) -> Items:
    """The columns of a select list, or of RETURNING."""
    items: Items = []
    for node in nodes:
        if node.is_star:
            columns = _star_columns(scope, node)
            if columns is None:  # their number is not known, so later positions are not either
                return []
            items += columns
        else:
            items.append((item_name(node), item(scope, node.unalias())))
    return items


def _star_columns(scope: Scope, star: exp.Expr) -> Items | None:
    """The columns that `*` or `t.*` stands for, or None if they are not known."""
    qualifier = folded(star.args.get("table"))
    relations = [relation for relation in scope.relations if qualifier in ("", relation.name)]
    composite = isinstance(star, exp.Dot)  # `(t).*`
    if (
        composite
        or not relations
        or scope.merged
        or any(relation.incomplete for relation in relations)
    ):
        return None
    if scope.unsupported:
        return None
    return [item for relation in relations for item in relation.columns.items()]


def item(scope: Scope, node: exp.Expr) -> Value:
    """The value of an item of a list."""
    value = replace(
        scope.value(node),
        from_caller=is_from_caller(node, scope),
        bound_to=bound_to(node, scope),
    )
    if scope.unsupported:
        return replace(value, never_null=False, reason=scope.unsupported, null_free=False)
    return value


def values_lists(scope: Scope, node: exp.Values) -> Result:
    """The rows of VALUES."""
    rows = [select_list(scope, row.expressions) for row in node.expressions]
    columns = zip(*([value for _, value in row] for row in rows), strict=False)
    items = [(f"column{place}", one_of(column)) for place, column in enumerate(columns, 1)]
    return Result(items, never_empty=True)
