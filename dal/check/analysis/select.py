"""The rows of SELECT and VALUES, and the columns of a select list."""

from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.conditions import restrict
from dal.check.analysis.ownership import equal_sides, is_from_caller, propagate
from dal.check.analysis.relations import Equality, Result
from dal.check.analysis.scope import Scope
from dal.check.analysis.sources import chain, from_item
from dal.check.analysis.syntax import aggregates_in, item_name, may_give_rows, own
from dal.check.analysis.values import Items, Value, one_of
from dal.check.tree import folded

UNDERSTOOD = {
    *("expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset"),
    *("distinct", "windows", "locks", "with_"),
}
"""What sqlglot hangs on a SELECT and is understood."""


def select(scope: Scope, node: exp.Select) -> Result:
    """The rows of a SELECT, without WITH and LIMIT."""
    scope.understand(node, UNDERSTOOD)
    where, having = node.args.get("where"), node.args.get("having")
    note_equalities(scope, where)
    some = True
    if from_ := node.args.get("from_"):
        first = from_item(scope, from_.this)
        _, some = chain(scope, node.args.get("joins") or [], first)
    if where:
        restrict(scope, where.this)
    propagate(scope)
    beside = (having, node.args.get("order"), node.args.get("distinct"))
    heads = [*node.expressions, *(part for part in beside if part)]
    scope.windows = {folded(window.this): window for window in node.args.get("windows") or []}
    scope.never_empty = some and not where
    group = node.args.get("group")
    scope.grouped = bool(group)
    aggregates = list(aggregates_in(heads, scope.routines))
    _look_for_doubts(scope, group, aggregates)
    items = select_list(scope, node.expressions)
    calling = [*heads, *([group] if group else [])]
    any_number = any(may_give_rows(part, scope.routines) for part in calling)
    some = not having and not any_number and (scope.never_empty or bool(aggregates and not group))
    return Result(items, some)


def note_equalities(scope: Scope, where: exp.Expr | None) -> None:
    """Note what WHERE wants to be equal; it filters all relations."""
    scope.equalities += [
        Equality(pair, scope.relations, scope.relations) for pair in equal_sides(where)
    ]


def _look_for_doubts(scope: Scope, group: exp.Expr | None, aggregates: list[exp.Expr]) -> None:
    sets = (exp.Tuple, exp.GroupingSets, exp.Rollup, exp.Cube)
    if group and (
        {key for key, argument in group.args.items() if argument} != {"expressions"}
        or any(isinstance(part, sets) for part in group.expressions)
    ):
        scope.unclear = "grouping sets are not analysed"
    for aggregate in aggregates:
        # A subselect in it may name only an outer query's columns, and others of its own.
        columns = (node for node in own(aggregate, exp.Column) if isinstance(node, exp.Column))
        named = aggregate.find(exp.Column)
        if named and not any(scope.local(column) for column in columns):
            scope.unclear = "an aggregate of an outer query's rows is not analysed"


def select_list(scope: Scope, nodes: list[exp.Expr]) -> Items:
    """A select list, or that of RETURNING."""
    items: Items = []
    for node in nodes:
        if node.is_star:
            columns = _all(scope, node)
            if columns is None:  # how many it stands for is not known: no place is certain
                return []
            items += columns
        else:
            items.append((item_name(node), item(scope, node.unalias())))
    return items


def _all(scope: Scope, star: exp.Expr) -> Items | None:
    """The columns that `*` or `t.*` stands for, or None where they are not known."""
    qualifier = folded(star.args.get("table"))
    relations = [each for each in scope.relations if qualifier in ("", each.name)]
    composite = isinstance(star, exp.Dot)  # `(t).*`
    if composite or not relations or scope.merged or any(each.incomplete for each in relations):
        return None
    if scope.unclear:
        return None
    return [item for each in relations for item in each.columns.items()]


def item(scope: Scope, node: exp.Expr) -> Value:
    """What is proven of an item of a list."""
    value = replace(scope.value(node), from_caller=is_from_caller(node, scope))
    if scope.unclear:
        return replace(value, never_null=False, reason=scope.unclear, null_free=False)
    return value


def values_lists(scope: Scope, node: exp.Values) -> Result:
    """VALUES."""
    lines = [select_list(scope, line.expressions) for line in node.expressions]
    columns = zip(*([value for _, value in line] for line in lines), strict=False)
    items = [(f"column{place}", one_of(column)) for place, column in enumerate(columns, 1)]
    return Result(items, never_empty=True)
