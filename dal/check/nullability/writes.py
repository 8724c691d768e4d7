"""INSERT, UPDATE and DELETE: what RETURNING gives of the rows that they write."""

from dataclasses import replace

from sqlglot import exp

from dal.check.nullability.conditions import restrict
from dal.check.nullability.joins import from_item, table
from dal.check.nullability.scope import Result, Scope
from dal.check.nullability.select import select_list
from dal.check.nullability.syntax import check_arguments
from dal.check.nullability.values import Nullability, Value, checked, unknown
from dal.check.tree import folded


def change(scope: Scope, node: exp.Insert | exp.Update | exp.Delete) -> Result:
    """INSERT, UPDATE or DELETE: its RETURNING gives rows as they are stored."""
    check_arguments(
        node,
        {"this", "expression", "expressions", "conflict", "from_", "using", "where", "default"}
        | {"returning", "with_"},
    )
    into = node.this
    target = into.this if isinstance(into, exp.Schema) else into
    aliases, rows = table(scope, target, {})
    [scope.target] = aliases
    from_ = node.args.get("from_")
    for one in [from_.this] if from_ else node.args.get("using") or []:
        rows &= from_item(scope, one)[1]
    if where := node.args.get("where"):
        restrict(scope, where.this)
    scope.present |= rows.present
    if isinstance(node, exp.Insert):
        _insert(scope, node)
        rows = replace(rows, certain=None)
    elif isinstance(node, exp.Update):
        _write(scope, _set_clause(scope, node.expressions), kept=True)
    returning = node.args.get("returning")
    items = (
        select_list(scope, returning.expressions, scope.touched | scope.present)
        if returning
        else []
    )
    return Result(items, rows)


def _set_clause(scope: Scope, nodes: list[exp.Expr]) -> dict[str, Value]:
    """The columns that SET writes, and what it writes."""
    found = {}
    for node in nodes:
        alone = isinstance(node.this, exp.Column)
        new = scope.value(node.expression) if alone else unknown("several columns at once")
        for column in node.this.find_all(exp.Column):
            found[folded(column.this)] = checked(new, scope.touched | scope.present)
    return found


def _insert(scope: Scope, node: exp.Insert) -> None:
    written: dict[str, Value] = {}
    source = node.args.get("expression")
    if source and isinstance(node.this, exp.Schema):
        given = scope.statement.query(source, None, scope.queries).items
        names = map(folded, node.this.expressions)
        written = {name: one for name, (_, one) in zip(names, given, strict=False)}
    conflict = node.args.get("conflict")
    if conflict and conflict.expressions and not conflict.args.get("where"):
        # A row that is there already is given as well, with all that SET leaves alone.
        changed = set(_set_clause(scope, conflict.expressions))
        columns = scope.relations[scope.target].columns
        written |= {name: one for name, one in columns.items() if name not in changed}
    _write(scope, written, kept=False)


def _write(scope: Scope, written: dict[str, Value], *, kept: bool) -> None:
    """The target's columns as stored; NOT NULL holds whatever is written."""
    columns = scope.relations[scope.target].columns
    for name, one in columns.items():
        if one.nullability is Nullability.NULLABLE and (name in written or not kept):
            new = written.get(name, unknown("a default"))
            if new.nullability is not Nullability.NULLABLE:
                new = unknown("what is written is not analysed")
            columns[name] = replace(new, origin=one.origin, depends=one.depends | new.depends)
