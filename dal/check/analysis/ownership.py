"""Derives which columns can only hold values from the caller, by the equalities that must hold."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.relations import Equality, Relation
from dal.check.analysis.scope import Scope
from dal.check.tree import bare, conjuncts, folded

_TEXT = {exp.DType.TEXT, exp.DType.VARCHAR}
# The types of parameters that keep values distinct; varchar(3), char and name would truncate them.
_LOSSLESS = _TEXT | {exp.DType.UUID, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT}
_CALLER_VALUE = exp.Parameter(this=exp.Literal.number(1))


def is_from_caller(value: exp.Expr, scope: Scope | None) -> bool:
    """Whether an expression can only be a value from the caller."""
    value = _uncast(value)
    if isinstance(value, exp.Parameter):
        return True
    if isinstance(value, exp.Any):
        return is_from_caller(value.this, scope)
    if isinstance(value, exp.Array):  # = ANY (ARRAY[:x])
        return all(is_from_caller(element, scope) for element in value.expressions)
    if isinstance(value, exp.Subquery) and isinstance(value.this, exp.Select):
        select = value.this  # (SELECT :x) hides a value from the planner
        is_only = not select.args.get("from_") and len(select.selects) == 1
        return is_only and is_from_caller(select.selects[0].unalias(), scope)
    if isinstance(value, exp.Column) and scope:
        return scope.column(value).from_caller
    return False


def _uncast(value: exp.Expr) -> exp.Expr:
    """An expression without brackets, and without casts that keep distinct values distinct."""
    while isinstance(value, exp.Paren) or (isinstance(value, exp.Cast) and _keeps_apart(value)):
        value = value.this
    return value


def _keeps_apart(cast: exp.Cast) -> bool:
    # Distinct texts may be the same number or UUID: 007 and 7.
    types = _LOSSLESS if isinstance(bare(cast.this), exp.Parameter) else _TEXT
    target = cast.to
    if target.this is exp.DType.ARRAY and len(target.expressions) == 1:
        [target] = target.expressions
    return target.this in types and not target.expressions


def equal_sides(condition: exp.Expr | None) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """The sides of each equality that must hold; rows are compared by their parts."""
    for part in conjuncts(condition):
        if isinstance(part, exp.EQ):
            sides = (bare(part.this), bare(part.expression))
            if all(isinstance(side, exp.Tuple) for side in sides):
                yield from zip(*(side.expressions for side in sides), strict=False)
            else:
                yield sides


def propagate(scope: Scope, *, complete: bool = True) -> None:
    """Mark the columns that hold values from the caller, until there are no more.

    Parameters:
        complete: whether all of FROM is known. Before that, an unknown name may belong to a later
            relation, so it is not looked up in outer queries.
    """
    places = [
        replace(scope, relations=list(equality.visible), outer=scope.outer if complete else None)
        for equality in scope.equalities
    ]
    pairs = list(zip(scope.equalities, places, strict=True))
    while sum(_apply(place, equality) for equality, place in pairs):
        pass


def _apply(scope: Scope, equality: Equality) -> bool:
    """Mark the columns that an equality sets to values from the caller; whether any is new."""
    changed = False
    for side, other_side in (equality.sides, equality.sides[::-1]):
        relation = _holder(side, scope, equality.filters)
        if relation and is_from_caller(other_side, scope):
            changed |= relation.mark_from_caller(folded(_uncast(side).this))
    return changed


def _holder(value: exp.Expr, scope: Scope, filters: Sequence[Relation]) -> Relation | None:
    """The relation that an expression is a column of, if the equality filters its rows."""
    value = _uncast(value)
    holder = scope.holder(value) if isinstance(value, exp.Column) else None
    return next((relation for relation in filters if relation is holder), None)


def restricted_to_caller(query: exp.Expr, place: int) -> exp.Expr | None:
    """A query restricted to a value from the caller in one column; None if that is not possible."""
    # A window function reads other rows.
    if not isinstance(query, exp.Select) or query.find(exp.Window) or place >= len(query.selects):
        return None
    column = query.selects[place].unalias().copy()
    return query.where(exp.EQ(this=column, expression=_CALLER_VALUE.copy()), copy=False)
