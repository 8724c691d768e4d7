"""Derives which columns can only hold values from the caller, by the equalities that must hold.

In a plain analysis, only those count by which a planner tells the shard of a distributed table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.relations import Equality, Relation
from dal.check.analysis.scope import Scope
from dal.check.analysis.values import Items
from dal.check.tree import bare, conjuncts, folded

_TEXT = {exp.DType.TEXT, exp.DType.VARCHAR}
# The types of parameters that keep values distinct; varchar(3), char and name would truncate them.
_LOSSLESS = _TEXT | {exp.DType.UUID, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT}
_CALLER_VALUE = exp.Parameter(this=exp.Literal.number(1))
_OF_A_JOIN = {"expressions", "from_", "joins", "where", "order"}


def is_from_caller(value: exp.Expr, scope: Scope | None) -> bool:
    """Whether an expression can only be a value from the caller."""
    if scope and scope.statement.plain:
        return bool(bound_to(value, scope))
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


def bound_to(value: exp.Expr, scope: Scope) -> str:
    """The parameter or constant that an expression plainly is; empty for any other."""
    value = _uncast(value)
    match value:
        case _ if not scope.statement.plain:
            return ""
        case exp.Parameter():
            return f"${value.name}"
        case exp.Literal():
            return value.sql()
        case exp.Any() if isinstance(array := _uncast(value.this), exp.Array):
            [element, *others] = array.expressions or [value]
            return "" if others else bound_to(element, scope)
        case exp.Coalesce() if all(isinstance(other, exp.Column) for other in value.expressions):
            # Where the parameter is NULL, it is a filter that is switched off: another rule's.
            return bound_to(value.this, scope) if value.this.find(exp.Parameter) else ""
        case exp.Column():
            return _column_bound_to(value, scope)
    return ""


def _column_bound_to(column: exp.Column, scope: Scope) -> str:
    found = scope.local(column)
    if found is None and scope.is_joined and scope.outer:
        return _column_bound_to(column, scope.outer)
    return found.bound_to if found and found.from_caller else ""


def apart(items: Items) -> Items:
    """Columns of a query of its own, whose equalities the planner does not see from outside."""
    return [(name, replace(value, from_caller=False, bound_to="")) for name, value in items]


def is_joined(query: exp.Expr) -> bool:
    """Whether the planner makes a join of a query: a condition `[NOT] EXISTS (SELECT ...)`."""
    used = {key for key, argument in query.args.items() if argument}
    if not isinstance(query.parent, exp.Exists) or not used <= _OF_A_JOIN:
        return False
    if not all(isinstance(item, exp.Column | exp.Literal) for item in query.expressions):
        return False
    node: exp.Expr | None = query.parent
    while isinstance(node, exp.Exists | exp.Not | exp.Paren | exp.And):
        node = node.parent
    return isinstance(node, exp.Where)


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
            name = folded(_uncast(side).this)
            changed |= relation.mark_from_caller(name, bound_to(other_side, scope))
    return changed


def _holder(value: exp.Expr, scope: Scope, filters: Sequence[Relation]) -> Relation | None:
    """The relation that an expression is a column of, if the equality filters its rows."""
    value = bare(value) if scope.statement.plain else _uncast(value)
    holder = scope.holder(value) if isinstance(value, exp.Column) else None
    return next((relation for relation in filters if relation is holder), None)


def restricted_to_caller(query: exp.Expr, place: int) -> exp.Expr | None:
    """A query restricted to a value from the caller in one column; None if that is not possible."""
    # A window function reads other rows.
    if not isinstance(query, exp.Select) or query.find(exp.Window) or place >= len(query.selects):
        return None
    column = query.selects[place].unalias().copy()
    return query.where(exp.EQ(this=column, expression=_CALLER_VALUE.copy()), copy=False)
