"""Which columns can only hold what the caller gave: those that equal it, or another such column."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.relations import Equality, Relation
from dal.check.analysis.scope import Scope
from dal.check.tree import bare, conjuncts, folded

_TEXT = {exp.DType.TEXT, exp.DType.VARCHAR}
# What a parameter may be declared as. Cut off by varchar(3), char or name, two would be alike.
_LOSSLESS = _TEXT | {exp.DType.UUID, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT}
_CALLERS = exp.Parameter(this=exp.Literal.number(1))


def is_from_caller(value: exp.Expr, scope: Scope | None) -> bool:
    """Whether an expression can only be what the caller gave."""
    value = _uncast(value)
    if isinstance(value, exp.Parameter):
        return True
    if isinstance(value, exp.Any):
        return is_from_caller(value.this, scope)
    if isinstance(value, exp.Array):  # = ANY (ARRAY[:x])
        return all(is_from_caller(element, scope) for element in value.expressions)
    if isinstance(value, exp.Subquery) and isinstance(value.this, exp.Select):
        select = value.this  # (SELECT :x) hides a value from the planner
        alone = not select.args.get("from_") and len(select.selects) == 1
        return alone and is_from_caller(select.selects[0].unalias(), scope)
    if isinstance(value, exp.Column) and scope:
        return scope.column(value).from_caller
    return False


def _uncast(value: exp.Expr) -> exp.Expr:
    """An expression without brackets, and without casts that leave unlike values unlike."""
    while isinstance(value, exp.Paren) or (isinstance(value, exp.Cast) and _keeps_apart(value)):
        value = value.this
    return value


def _keeps_apart(cast: exp.Cast) -> bool:
    # A text may be read as the same number or UUID as another text: 007 and 7.
    types = _LOSSLESS if isinstance(bare(cast.this), exp.Parameter) else _TEXT
    target = cast.to
    if target.this is exp.DType.ARRAY and len(target.expressions) == 1:
        [target] = target.expressions
    return target.this in types and not target.expressions


def equal_sides(condition: exp.Expr | None) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """The two sides of each equality that has to hold; of rows, those of their parts."""
    for part in conjuncts(condition):
        if isinstance(part, exp.EQ):
            sides = (bare(part.this), bare(part.expression))
            if all(isinstance(side, exp.Tuple) for side in sides):
                yield from zip(*(side.expressions for side in sides), strict=False)
            else:
                yield sides


def propagate(scope: Scope, *, complete: bool = True) -> None:
    """Mark what is the caller's, until nothing is added.

    Parameters:
        complete: all of FROM is there. Before, a name that no relation has may still be that of one
            to come, and is not looked for in the queries around.
    """
    places = [
        replace(scope, relations=list(each.visible), outer=scope.outer if complete else None)
        for each in scope.equalities
    ]
    pairs = list(zip(scope.equalities, places, strict=True))
    while sum(_give(place, equality) for equality, place in pairs):
        pass


def _give(scope: Scope, equality: Equality) -> bool:
    """Whether an equality says of a column that it is given, which was not known."""
    new = False
    for this, other in (equality.sides, equality.sides[::-1]):
        relation = _holder(this, scope, equality.filters)
        if relation and is_from_caller(other, scope):
            new |= relation.mark_from_caller(folded(_uncast(this).this))
    return new


def _holder(value: exp.Expr, scope: Scope, filters: Sequence[Relation]) -> Relation | None:
    """The relation whose column an expression is, among those that an equality filters."""
    value = _uncast(value)
    holder = scope.holder(value) if isinstance(value, exp.Column) else None
    return next((relation for relation in filters if relation is holder), None)


def of_caller(query: exp.Expr, place: int) -> exp.Expr | None:
    """A query whose column at a place has to be the caller's; None where it can't be asked so."""
    # A window function gives a row what is in others.
    if not isinstance(query, exp.Select) or query.find(exp.Window) or place >= len(query.selects):
        return None
    column = query.selects[place].unalias().copy()
    return query.where(exp.EQ(this=column, expression=_CALLERS.copy()), copy=False)
