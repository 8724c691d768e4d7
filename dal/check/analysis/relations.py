"""The relations of a FROM, and the equalities between their columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from sqlglot import exp

from dal.check.analysis.values import Items, Value
from dal.check.schema import Table

_KEYS = count(1)


def new_key() -> int:
    """A new key for a relation."""
    return next(_KEYS)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a query.

    Attributes:
        items: the columns.
        never_empty: whether there is always at least one row.
    """

    items: Items
    never_empty: bool = False


Ctes = Mapping[str, Result]
"""The common table expressions that are visible, by name."""


@dataclass(slots=True, eq=False)
class Relation:
    """An item of FROM, or the target of a write.

    Attributes:
        name: its name or alias in the statement.
        columns: the columns by their names.
        incomplete: whether it has columns whose names are not known.
        matched: the columns as they are in rows that no outer join has filled with NULLs; empty if
            none can.
        table: the table or view, if it is one.
        owned_node: the node that names the table, if its rows have an owner.
        key: identifies it among the relations of a statement.
        owner: the column that holds the owner of its rows.
    """

    name: str
    columns: dict[str, Value]
    incomplete: bool = False
    matched: dict[str, Value] = field(default_factory=dict)
    table: Table | None = None
    owned_node: exp.Table | None = None
    owner: str | None = None
    key: int = field(default_factory=new_key)

    @property
    def filtered(self) -> bool:
        """Whether it only has rows of an owner that the caller named."""
        return self.owner is None or self.columns[self.owner].from_caller

    @property
    def bound_to(self) -> str:
        """What the owner of its rows equals, where only plain equalities count."""
        return self.columns[self.owner].bound_to if self.owner else ""

    def mark_from_caller(self, column: str, bound_to: str) -> bool:
        """Note that a column holds a value from the caller; False if that was known."""
        known = self.columns[column].from_caller
        for columns in (self.columns, self.matched):
            if column in columns and not columns[column].from_caller:
                columns[column] = replace(columns[column], from_caller=True, bound_to=bound_to)
        return not known


@dataclass(frozen=True)
class Equality:
    """A condition that two expressions are equal.

    Attributes:
        filters: the relations whose rows are left out if it does not hold.
        visible: the relations that its names may refer to, besides outer queries.
    """

    sides: tuple[exp.Expr, exp.Expr]
    filters: Sequence[Relation]
    visible: Sequence[Relation]


@dataclass(frozen=True, slots=True)
class Merged:
    """A column that USING merges from two.

    Attributes:
        covered: the relations that are joined.
        relation: the relation whose column it always equals, if there is one.
    """

    name: str
    covered: Sequence[Relation]
    value: Value
    relation: Relation | None


def within(relations: Sequence[Relation], others: Sequence[Relation]) -> bool:
    """Whether all relations are among others."""
    return all(any(relation is other for other in others) for relation in relations)
