"""Analyses INSERT, UPDATE, DELETE and MERGE: what they write and return."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.conditions import restrict
from dal.check.analysis.ownership import propagate
from dal.check.analysis.relations import Relation, Result
from dal.check.analysis.scope import Scope
from dal.check.analysis.select import item, note_equalities, select_list
from dal.check.analysis.sources import chain, from_item, table
from dal.check.analysis.syntax import item_name, parts
from dal.check.analysis.values import Value, unproven
from dal.check.tree import bare, folded

_SUPPORTED = {
    *("this", "expression", "expressions", "conflict", "from_", "using", "where", "default"),
    *("returning", "with_", "joins"),
}


def change(scope: Scope, node: exp.Insert | exp.Update | exp.Delete) -> Result:
    """What RETURNING gives: the old rows for DELETE, else the rows as they are stored."""
    scope.note_unsupported(node, _SUPPORTED)
    where = node.args.get("where")
    note_equalities(scope, where)
    target = _target(scope, node.this)
    if not isinstance(node, exp.Delete):
        scope.target = target
    from_ = node.args.get("from_")
    for source in [from_.this] if from_ else node.args.get("using") or []:
        chain(scope, node.args.get("joins") or [], from_item(scope, source))
    if where:
        restrict(scope, where.this)
    propagate(scope)
    never_empty = False
    if isinstance(node, exp.Insert):
        never_empty = _insert(scope, node, target)
    elif isinstance(node, exp.Update):
        _update(scope, node, target)
    returning = node.args.get("returning")
    items = select_list(scope, returning.expressions) if returning else []
    return Result(items, never_empty)


def merge(scope: Scope, node: exp.Merge) -> Result:
    """What RETURNING gives; the owner of the rows that MERGE changes is not followed."""
    target = _target(scope, node.this)
    from_item(scope, node.args["using"])
    for when in node.args["whens"].expressions:
        action = when.args["then"]
        if isinstance(action, exp.Insert):
            names = [folded(column.find(exp.Identifier)) for column in parts(action.this)]
            values = [item(scope, part) for part in parts(action.expression)]
            _note(scope, target, zip(names or list(target.columns), values, strict=False))
        elif isinstance(action, exp.Update):
            _note(scope, target, _assigned(scope, action))
    for relation in scope.relations:
        _unmark(relation, relation.columns)
    returning = node.args.get("returning")
    unknown = unproven("what MERGE returns is not analysed")
    return Result(
        [(item_name(part), unknown) for part in (returning.expressions if returning else [])]
    )


def _target(scope: Scope, node: exp.Expr) -> Relation:
    """The table that is written to, even if a query of WITH has the same name."""
    into: exp.Table = node.this if isinstance(node, exp.Schema) else node  # type: ignore[assignment]
    [target], _ = table(scope, into, {}, written=True)
    return target


def _update(scope: Scope, node: exp.Expr, target: Relation) -> None:
    """Note what SET writes, which may change a row's owner."""
    assigned = list(_assigned(scope, node))
    _note(scope, target, assigned)
    _unmark(target, [name for name, value in assigned if not value.from_caller])


def _insert(scope: Scope, node: exp.Insert, target: Relation) -> bool:
    """Note what an INSERT writes; returns whether RETURNING gives at least one row."""
    named = node.this.expressions if isinstance(node.this, exp.Schema) else ()
    names = [*map(folded, named)] or list(target.columns)
    source = node.args.get("expression")
    # Without a source it is DEFAULT VALUES, which writes a row.
    result = scope.statement.query(source, scope.outer, scope.ctes) if source else Result([], True)
    written = list(zip(names, (value for _, value in result.items), strict=False))
    _note(scope, target, written)
    # A planner tells the shard of rows that a SELECT gives by the column that their owner is from.
    by_origin = scope.statement.plain and not isinstance(source, exp.Values)
    for name, value in written:
        is_seen = value.origin is not None or not by_origin
        if value.from_caller and is_seen and name in target.columns:
            target.mark_from_caller(name, value.bound_to)
    conflict = node.args.get("conflict")
    if conflict and conflict.expressions:
        # It changes an existing row, whose owner is only certain if the conflict key includes it.
        keys = [
            folded(column.this)
            for key in conflict.args.get("conflict_keys") or ()
            if isinstance(column := bare(key.this), exp.Column)  # and not left(user_id, 1)
        ]
        _unmark(target, [name for name in target.columns if name not in keys])
        excluded = Relation("excluded", dict(target.columns))
        _update(replace(scope, relations=[target, excluded]), conflict, target)
    # DO NOTHING returns no row on a conflict, nor does DO UPDATE for one that its WHERE skips.
    skips = conflict and (not conflict.expressions or conflict.args.get("where"))
    return result.never_empty and not skips


def _assigned(scope: Scope, node: exp.Expr) -> Iterator[tuple[str, Value]]:
    """The columns that SET writes, with their values."""
    for assignment in node.expressions:
        targets, source = assignment.this, bare(assignment.expression)
        names = [
            folded(column.find(exp.Identifier))
            for column in (targets.expressions if isinstance(targets, exp.Tuple) else [targets])
        ]
        if len(names) == 1:
            values = [item(scope, source)]
        elif isinstance(source, exp.Query):
            values = scope.rows_of(source)
        else:
            values = [item(scope, part) for part in parts(source)]
        values += [unproven("several columns at once")] * (len(names) - len(values))
        yield from zip(names, values, strict=False)


def _note(scope: Scope, target: Relation, written: Iterable[tuple[str, Value]]) -> None:
    if target.table:
        scope.statement.writes += [(target.table, name, value) for name, value in written]


def _unmark(target: Relation, names: Iterable[str]) -> None:
    """Note that columns may hold other values than the caller's, such as another owner."""
    for name in {*names} & {*target.columns}:
        target.columns[name] = replace(target.columns[name], from_caller=False)
