"""Derives which columns are not NULL in the rows that satisfy a condition."""

from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.calls import strict_operands
from dal.check.analysis.expressions import is_quantified
from dal.check.analysis.nodes import is_call, row_parts
from dal.check.analysis.relations import Relation
from dal.check.analysis.scope import Scope
from dal.check.tree import folded

Columns = frozenset[tuple[Relation, str]]
"""Columns with their relations."""
NONE: Columns = frozenset()


def _where_true(node: exp.Expr, scope: Scope) -> Columns:
    """The columns that are never NULL in rows for which a condition is true."""
    match node:
        case exp.Paren():
            return _where_true(node.this, scope)
        case exp.And():
            return _where_true(node.left, scope) | _where_true(node.right, scope)
        case exp.Or():
            return _where_true(node.left, scope) & _where_true(node.right, scope)
        case exp.Not():
            return _where_false(node.this, scope)
        case exp.Is():
            return _where_is(node, scope, wanted=True)
        case exp.In():
            return _parts_not_null(node.this, scope)
        case exp.EQ() if row_parts(node.left) and row_parts(node.right):
            return _parts_not_null(node.left, scope) | _parts_not_null(node.right, scope)
    if isinstance(node, exp.Binary) and (quantified := _quantified(node)):
        is_any = isinstance(quantified, exp.Any) or is_call(quantified, "some")
        return _not_null(node.left, scope) if is_any else NONE
    return _not_null(node, scope)


def _where_false(node: exp.Expr, scope: Scope) -> Columns:
    """The columns that are never NULL in rows for which a condition is false."""
    match node:
        case exp.Paren():
            return _where_false(node.this, scope)
        case exp.And():
            return _where_false(node.left, scope) & _where_false(node.right, scope)
        case exp.Or():
            return _where_false(node.left, scope) | _where_false(node.right, scope)
        case exp.Not():
            return _where_true(node.this, scope)
        case exp.Is():
            return _where_is(node, scope, wanted=False)
    return _not_null(node, scope)


def _where_is(node: exp.Is, scope: Scope, *, wanted: bool) -> Columns:
    """The columns that are never NULL where IS [NOT] NULL, TRUE or FALSE gives `wanted`."""
    asserted = bool(node.args.get("negate")) is not wanted
    if isinstance(node.expression, exp.Null) and not asserted:
        # For a row, IS NOT NULL needs all parts not NULL, and NOT (IS NULL) only one.
        if row_parts(node.this) is not None:
            return _parts_not_null(node.this, scope) if wanted else NONE
        return _not_null(node.this, scope)
    if isinstance(node.expression, exp.Boolean) and asserted:
        where = _where_true if node.expression.this else _where_false
        return where(node.this, scope)
    return NONE


def _not_null(node: exp.Expr, scope: Scope) -> Columns:
    """The columns that are never NULL where an expression is not NULL."""
    match node:
        case exp.Column():
            holder = scope.holder(node)
            return frozenset({(holder, folded(node.this))}) if holder else NONE
        case exp.Paren() | exp.Collate() | exp.Not():
            return _not_null(node.this, scope)
        case exp.Between() | exp.Bracket():
            return _not_null(node.this, scope)
        case exp.In() if not node.args.get("query"):
            return _not_null(node.this, scope)
        case exp.Extract():
            return _not_null(node.expression, scope)
        case exp.SimilarTo():
            return _not_null(node.this, scope) | _not_null(node.expression, scope)
    if isinstance(node, exp.Binary) and _quantified(node):
        return NONE
    return NONE.union(*(_not_null(operand, scope) for operand in strict_operands(node, scope)))


def _parts_not_null(node: exp.Expr, scope: Scope) -> Columns:
    """The columns that are never NULL where no part of a row is NULL."""
    parts = row_parts(node)
    if parts is None:
        return _not_null(node, scope)
    return NONE.union(*(_not_null(part, scope) for part in parts))


def _quantified(node: exp.Binary) -> exp.Expr | None:
    sides = (node.args.get("this"), node.args.get("expression"))
    return next(
        (side for side in sides if isinstance(side, exp.Expr) and is_quantified(side)), None
    )


def restrict(scope: Scope, condition: exp.Expr) -> None:
    """Note which columns a WHERE or the ON of an inner join makes never NULL."""
    for relation, name in _where_true(condition, scope):
        if relation is not scope.target:
            exclude_null(relation, name, "a condition excludes NULL")


def exclude_null(relation: Relation, name: str, reason: str) -> None:
    """Note that a column is never NULL."""
    # So no row of the relation was filled with NULLs by an outer join.
    for column, matched in relation.matched.items():
        if matched.never_null and not relation.columns[column].never_null:
            relation.columns[column] = matched
    if not relation.columns[name].never_null:
        relation.columns[name] = replace(relation.columns[name], never_null=True, reason=reason)
