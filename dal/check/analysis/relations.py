"""What stands in FROM, and what conditions say of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from sqlglot import exp

from dal.check.analysis.values import Items, Value
from dal.check.schema import Table

_KEYS = count(1)


def new_key() -> int:
    """A number that no other relation has."""
    return next(_KEYS)


@dataclass(frozen=True, slots=True)
class Result:
    """A query's columns.

    Attributes:
        items: the columns.
        never_empty: there is always at least one row.
    """

    items: Items
    never_empty: bool = False


Queries = Mapping[str, Result]
"""The queries of WITH, by name."""


@dataclass(slots=True, eq=False)
class Relation:
    """What stands in FROM, or is written to.

    Attributes:
        name: as the statement calls it.
        columns: by their names.
        incomplete: it has columns that are not known by name.
        matched: the columns of the rows that no outer join made of NULLs, where one may have.
        source: the table that it is, if it is one.
        table: where the statement names a table of users' rows.
        key: what tells it from all others of a statement.
        owner: the column that says whose a row of it is.
    """

    name: str
    columns: dict[str, Value]
    incomplete: bool = False
    matched: dict[str, Value] = field(default_factory=dict)
    source: Table | None = None
    table: exp.Table | None = None
    owner: str | None = None
    key: int = field(default_factory=new_key)

    @property
    def filtered(self) -> bool:
        """Whether its rows are those of an owner that the caller named."""
        return self.owner is None or self.columns[self.owner].from_caller

    def mark_from_caller(self, column: str) -> bool:
        """Note that a column equals what the caller gave; False if that was known."""
        value = self.columns[column]
        self.columns[column] = replace(value, from_caller=True)
        if column in self.matched:
            self.matched[column] = replace(self.matched[column], from_caller=True)
        return not value.from_caller


@dataclass(frozen=True)
class Equality:
    """A condition that two expressions are equal.

    Attributes:
        filters: the relations whose rows are left out where it does not hold.
        visible: those that its names may mean, beside what is around the whole query.
    """

    sides: tuple[exp.Expr, exp.Expr]
    filters: Sequence[Relation]
    visible: Sequence[Relation]


@dataclass(frozen=True, slots=True)
class Merged:
    """A column that USING makes of two.

    Attributes:
        covered: the relations that are joined.
        source: the relation whose column it equals, if it is always the same.
    """

    name: str
    covered: Sequence[Relation]
    value: Value
    source: Relation | None


def within(some: Sequence[Relation], others: Sequence[Relation]) -> bool:
    """Whether all of some relations are among others."""
    return all(any(relation is other for other in others) for relation in some)
