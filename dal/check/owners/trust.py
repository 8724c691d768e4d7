"""Which columns can only hold what the caller gave.

Trusted is a column that equals a parameter, or another trusted column.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp

from dal.check.tree import bare, conjuncts, folded

Output: TypeAlias = list[tuple[str, bool]]
"""The columns of a relation by name, and whether each is trusted."""


@dataclass(eq=False)
class Relation:
    """What stands in FROM, or is written to.

    Attributes:
        name: as the statement calls it.
        columns: whether each one is trusted.
        table: a table, if it is one.
        owner: the column that says whose a row is, if there is one.
        open: it may have columns that are not known by name.
    """

    name: str
    columns: dict[str, bool]
    table: exp.Table | None = None
    owner: str | None = None
    open: bool = False

    @property
    def filtered(self) -> bool:
        """Whether its rows are those of an owner that the caller named."""
        return self.owner is None or self.columns[self.owner]


@dataclass(frozen=True)
class Equality:
    """A condition that two expressions are equal.

    Attributes:
        filters: the relations whose rows are left out where it does not hold.
    """

    sides: tuple[exp.Expr, exp.Expr]
    filters: Sequence[Relation]

    def trusted(self, visible: Sequence[Relation]) -> Iterator[tuple[Relation, str]]:
        """The columns that it makes trusted."""
        for this, other in (self.sides, self.sides[::-1]):
            found = _column(this, visible)
            if found and found[0] in self.filters and is_given(other, visible):
                yield found


_TEXT = {exp.DType.TEXT, exp.DType.VARCHAR}
# What a parameter may be declared as. Cut off by varchar(3), char or name, two would be alike.
_WHOLE = _TEXT | {exp.DType.UUID, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT}


def _uncast(value: exp.Expr) -> exp.Expr:
    """An expression without brackets, and without casts that leave unlike values unlike."""
    while isinstance(value, exp.Paren) or (isinstance(value, exp.Cast) and _keeps_apart(value)):
        value = value.this
    return value


def _keeps_apart(cast: exp.Cast) -> bool:
    # A text may be read as the same number or UUID as another text: 007 and 7.
    types = _WHOLE if isinstance(bare(cast.this), exp.Parameter) else _TEXT
    target = cast.to
    if target.this is exp.DType.ARRAY and len(target.expressions) == 1:
        [target] = target.expressions
    return target.this in types and not target.expressions


def is_given(value: exp.Expr, visible: Sequence[Relation]) -> bool:
    """Whether an expression is a parameter, or a trusted column."""
    value = _uncast(value)
    if isinstance(value, exp.Any):
        return is_given(value.this, visible)
    if isinstance(value, exp.Array):  # = ANY (ARRAY[:x])
        return all(is_given(element, visible) for element in value.expressions)
    if isinstance(value, exp.Subquery) and isinstance(value.this, exp.Select):
        select = value.this  # (SELECT :x) hides a value from the planner
        alone = not select.args.get("from_") and len(select.selects) == 1
        return alone and is_given(select.selects[0].unalias(), visible)
    found = _column(value, visible)
    return isinstance(value, exp.Parameter) or bool(found and found[0].columns[found[1]])


def _column(value: exp.Expr, visible: Sequence[Relation]) -> tuple[Relation, str] | None:
    if isinstance(value, exp.Column):
        name, qualifier = folded(value.this), folded(value.args.get("table"))
        for one in visible:  # the innermost first
            if qualifier in ("", one.name):
                if name in one.columns:
                    return one, name
                if one.open or qualifier:
                    return None
    return None


def equal_sides(condition: exp.Expr | None) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """The two sides of each equality that has to hold; of rows, those of their parts."""
    for one in conjuncts(condition):
        if isinstance(one, exp.EQ):
            sides = (bare(one.this), bare(one.expression))
            if all(isinstance(side, exp.Tuple) for side in sides):
                yield from zip(*(side.expressions for side in sides), strict=False)
            else:
                yield sides


def settle(equalities: Iterable[Equality], visible: Sequence[Relation]) -> None:
    """Mark what is trusted, until nothing is added."""
    while new := [
        found
        for one in equalities
        for found in one.trusted(visible)
        if not found[0].columns[found[1]]
    ]:
        for relation, name in new:
            relation.columns[name] = True


def outputs(node: exp.Expr | None, visible: Sequence[Relation]) -> Output:
    """The columns of a select list, or of RETURNING."""
    return [
        (_output_name(one), is_given(one.unalias(), visible))
        for one in (node.expressions if node else ())
    ]


def _output_name(item: exp.Expr) -> str:
    if isinstance(item, exp.Alias):
        return folded(item.args["alias"])
    item = _uncast(item)
    return folded(item.this) if isinstance(item, exp.Column) else ""


def renamed(output: Output, alias: exp.Expr) -> Output:
    """Columns as `AS t (a, b)` names them: the first ones, or all."""
    names = [folded(one) for one in alias.args.get("columns") or ()]
    names += [name for name, _ in output[len(names) :]]
    trusted = [trusted for _, trusted in output] + [False] * (len(names) - len(output))
    return list(zip(names, trusted, strict=True))
