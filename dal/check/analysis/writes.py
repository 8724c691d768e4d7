"""INSERT, UPDATE and DELETE: the rows that they write, and what RETURNING gives of them."""

from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.conditions import restrict
from dal.check.analysis.ownership import keeps_owner, settle
from dal.check.analysis.scope import Relation, Result, Scope
from dal.check.analysis.select import restrict_owners, select_list
from dal.check.analysis.sources import chain, from_item, table
from dal.check.tree import folded

_UNDERSTOOD = {
    *("this", "expression", "expressions", "conflict", "from_", "using", "where", "default"),
    *("returning", "with_", "joins"),
}


def change(scope: Scope, node: exp.Insert | exp.Update | exp.Delete) -> Result:
    """What RETURNING gives: of DELETE rows as they were, of the others as they are stored."""
    scope.understand(node, _UNDERSTOOD)
    into = node.this
    target_node = into.this if isinstance(into, exp.Schema) else into
    where = node.args.get("where")
    restrict_owners(scope, where)
    # What is written to is a table, whatever WITH calls so.
    [target], _ = table(scope, target_node, {}, written=True)
    if not isinstance(node, exp.Delete):
        scope.target = target
    from_ = node.args.get("from_")
    for item in [from_.this] if from_ else node.args.get("using") or []:
        chain(scope, node.args.get("joins") or [], from_item(scope, item))
    if where:
        restrict(scope, where.this)
    settle(scope)
    if isinstance(node, exp.Insert):
        _insert(scope, node, target)
    elif isinstance(node, exp.Update) and not keeps_owner(node, target, scope):
        _take_back(target)
    returning = node.args.get("returning")
    return Result(select_list(scope, returning.expressions) if returning else [])


def _insert(scope: Scope, node: exp.Insert, target: Relation) -> None:
    named = node.this.expressions if isinstance(node.this, exp.Schema) else ()
    names = [*map(folded, named)] or list(target.columns)
    source = node.args.get("expression")
    items = scope.statement.query(source, scope.outer, scope.queries).items if source else []
    for name, (_, value) in zip(names, items, strict=False):
        if value.given and name in target.columns:
            target.give(name)
    conflict = node.args.get("conflict")
    if conflict and conflict.expressions:
        # It changes a row that is there: whose is only sure if the key says so.
        keys = [
            folded(key.find(exp.Identifier)) for key in conflict.args.get("conflict_keys") or ()
        ]
        excluded = Relation("excluded", dict(target.columns))
        inside = replace(scope, relations=[target, excluded])
        if target.owner not in keys or not keeps_owner(conflict, target, inside):
            _take_back(target)


def _take_back(target: Relation) -> None:
    """Take in that the rows may be another owner's."""
    if target.owner:
        target.columns[target.owner] = replace(target.columns[target.owner], given=False)
