"""The rows of SELECT and VALUES, and the columns of a select list."""

from dataclasses import replace

from sqlglot import exp

from dal.check.nullability.conditions import restrict
from dal.check.nullability.joins import chain, from_item
from dal.check.nullability.kinds import known
from dal.check.nullability.scope import Result, Rows, Scope
from dal.check.nullability.syntax import Unclear, aggregates_in, check_arguments, item_name, own
from dal.check.nullability.values import NO_FACTS, Facts, Items, Nullability, checked, one_of

ARGUMENTS = {
    *("expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset"),
    *("distinct", "windows", "locks", "with_"),
}
"""What sqlglot hangs on a SELECT and is understood."""


def select(scope: Scope, node: exp.Select) -> Result:
    """The rows of a SELECT, without WITH and LIMIT."""
    check_arguments(node, ARGUMENTS)
    rows = Rows(True)
    if from_ := node.args.get("from_"):
        _, rows = chain(scope, node.args.get("joins") or [], *from_item(scope, from_.this))
    if where := node.args.get("where"):
        restrict(scope, where.this)
        rows = rows.filtered()
    scope.itself = frozenset({("query", id(node))})
    if group := node.args.get("group"):
        sets = (exp.Tuple, exp.GroupingSets, exp.Rollup, exp.Cube)
        if {key for key, one in group.args.items() if one} != {"expressions"} or any(
            isinstance(one, sets) for one in group.expressions
        ):
            raise Unclear("grouping sets are not analysed")
        scope.grouped = True
    having, order = node.args.get("having"), node.args.get("order")
    heads = [*node.expressions, *(one for one in (having, order) if one)]
    aggregates = list(aggregates_in(heads))
    for one in aggregates:
        columns = list(one.find_all(exp.Column))
        if columns and not any(scope.local(column) for column in columns):
            raise Unclear("an aggregate of an outer query's rows is not analysed")
    scope.certain, scope.empty = rows.certain, rows.empty
    scope.present |= rows.present
    facts = scope.touched | (scope.itself if node.args.get("offset") else NO_FACTS)
    if (aggregates or having) and not group:
        rows = Rows(True)
    else:
        facts |= scope.present
        if any(not known(one) for head in heads for one in own(head, exp.Func)):
            rows = replace(rows, certain=False if group and rows.certain is False else None)
        rows = replace(rows, present=scope.present)
    items = select_list(scope, node.expressions, facts)
    if having:
        doubt = "HAVING may leave the NULLs out"
        items = [
            (name, replace(one, nullability=Nullability.UNKNOWN, reason=doubt))
            if one.nullability is Nullability.NULLABLE
            else (name, one)
            for name, one in items
        ]
        rows = replace(rows, certain=None)
    return Result(items, rows)


def select_list(scope: Scope, nodes: list[exp.Expr], facts: Facts) -> Items:
    """A select list, or that of RETURNING."""
    found = []
    for node in nodes:
        one = scope.value(node.this if isinstance(node, exp.Alias) else node)
        opaque = any(not known(inner) for inner in own(node, exp.Func))
        depends = scope.mentions(node) | (scope.itself if opaque else NO_FACTS)
        one = checked(one, facts | scope.statement.repeated)
        found.append((item_name(node), replace(one, depends=depends)))
    return found


def values_lists(scope: Scope, node: exp.Values) -> Result:
    """VALUES."""
    lines = [select_list(scope, line.expressions, NO_FACTS) for line in node.expressions]
    columns = zip(*([one for _, one in line] for line in lines), strict=True)
    items = [
        (f"column{place}", one_of(list(column), ("arm", id(node))))
        for place, column in enumerate(columns, 1)
    ]
    return Result(items, Rows(True))
