"""What an expression can name: the relations around it, and what is known of their rows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from sqlglot import exp

from dal.check.nullability.expressions import value
from dal.check.nullability.values import (
    NO_FACTS,
    Facts,
    Items,
    Nullability,
    Value,
    checked,
    nullable,
    unknown,
)
from dal.check.tree import folded

Schema = Mapping[str, Mapping[str, bool]]
"""For each relation its columns, and whether each one is declared NOT NULL."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known of the rows of a query or a join.

    Attributes:
        certain: True if there is always at least one, False if there may be none.
        empty: facts by which there may be none.
        present: facts that a row, where there is one, speaks against.
    """

    certain: bool | None = None
    empty: Facts = NO_FACTS
    present: Facts = NO_FACTS

    def __and__(self, other: "Rows") -> "Rows":
        both = (self.certain, other.certain)
        certain = False if False in both else None if None in both else True
        return Rows(certain, self.empty | other.empty, self.present | other.present)

    def filtered(self) -> "Rows":
        """The rows of these that a condition lets pass."""
        return replace(self, certain=None) if self.certain else self


@dataclass(frozen=True, slots=True)
class Result:
    """A query's columns and rows."""

    items: Items
    rows: Rows = Rows()


@dataclass(slots=True)
class Relation:
    """What stands in FROM; `open` if it has columns that are not known by name."""

    columns: dict[str, Value]
    open: bool = False


Queries = Mapping[str, Result]
"""The queries of WITH, by name."""


class Statement(Protocol):
    """What a scope asks of the statement that it is a part of."""

    schema: Schema
    views: Collection[str]
    repeated: Facts
    """The parameters that occur more than once."""

    def query(self, node: exp.Expr, outer: "Scope | None", queries: Queries) -> Result:
        """A query's columns and rows, as of a subselect."""
        ...


@dataclass(slots=True)
class Scope:
    """The relations that an expression can name, and what the conditions say of them.

    Attributes:
        outer: the scope around, whose columns can be named as well.
        relations: by the names that they have here.
        merged: the columns that USING makes of two: name, relations that are joined, value.
        touched: facts that a condition speaks of.
        present: facts that the rows of FROM speak against.
        target: the relation that a statement writes to.
        grouped, certain, empty, itself: as in a Context, which this is.
    """

    statement: Statement
    outer: "Scope | None"
    queries: Queries
    relations: dict[str, Relation] = field(default_factory=dict)
    merged: list[tuple[str, set[str], Value]] = field(default_factory=list)
    touched: Facts = NO_FACTS
    present: Facts = NO_FACTS
    target: str = ""
    grouped: bool = False
    certain: bool | None = True
    empty: Facts = NO_FACTS
    itself: Facts = NO_FACTS

    # What expressions ask for.

    def value(self, node: exp.Expr) -> Value:
        """An expression's value."""
        return value(node, self)

    def column(self, node: exp.Column) -> Value:
        """A column's value, here or in a scope around."""
        found = self.local(node)
        if found is None:
            return self.outer.column(node) if self.outer else _no_such(node)
        return checked(found, self.touched | self.present)

    def parameter(self, node: exp.Parameter) -> Value:
        """A parameter's value: the caller's."""
        return checked(
            nullable(f"${node.name} may be NULL", frozenset({("parameter", node.name)})),
            self.statement.repeated,
        )

    def scalar(self, node: exp.Subquery) -> Value:
        """A scalar subselect's value."""
        found = self.statement.query(node, self, self.queries)
        if len(found.items) != 1:
            return unknown("a subselect of several columns is not analysed")
        [(_, one)] = found.items
        if found.rows.certain is False:
            return replace(
                nullable("a scalar subselect may find no row", found.rows.empty), origin=one.origin
            )
        if found.rows.certain is None and one.nullability is Nullability.NOT_NULL:
            return replace(unknown("a scalar subselect that may find no row"), origin=one.origin)
        return one

    def mentions(self, node: exp.Expr) -> Facts:
        """All facts that an expression tells something about, subselects included."""
        facts = self.tables(node)
        for one in node.find_all(exp.Column, exp.Parameter, exp.AggFunc, exp.Window):
            if isinstance(one, exp.Column):
                facts |= self.told(one)
            else:
                facts |= {("parameter", one.name)} if type(one) is exp.Parameter else self.itself
        return facts

    # What FROM and WHERE say.

    def tables(self, node: exp.Expr) -> Facts:
        """The facts that a look at these tables' rows tells."""
        facts = NO_FACTS
        for table in node.find_all(exp.Table):
            name = folded(table.this)
            facts |= {("rows", name)}
            if not table.args.get("db") and name in self.queries:
                facts |= self.queries[name].rows.present
        return facts

    def told(self, node: exp.Column) -> Facts:
        """What a column's name may stand for, in this scope and those around."""
        name, qualifier = folded(node.this), folded(node.args.get("table"))
        facts = self.outer.told(node) if self.outer else NO_FACTS
        for alias, relation in self.relations.items():
            if qualifier in ("", alias):
                whole = name == alias or (
                    (qualifier or relation.open) and name not in relation.columns
                )
                for column, one in relation.columns.items():
                    facts |= one.depends if whole or column == name else NO_FACTS
        return facts

    def local(self, node: exp.Column) -> Value | None:
        """A column of this scope's own relations."""
        name, qualifier = folded(node.this), folded(node.args.get("table"))
        if node.args.get("db"):
            return _no_such(node)
        if qualifier:
            if qualifier not in self.relations:
                return None
            return self.relations[qualifier].columns.get(name, _no_such(node))
        found = self.side(name, set(self.relations))
        if found is None and any(one.open for one in self.relations.values()):
            return _no_such(node)
        return found

    def side(self, name: str, aliases: set[str]) -> Value | None:
        """An unqualified column of some of the relations."""
        holders = {alias for alias in aliases if name in self.relations[alias].columns}
        if len(holders) == 1:
            return self.relations[holders.pop()].columns[name]
        for merged, covered, one in reversed(self.merged):
            if merged == name and holders <= covered <= aliases:
                return one
        return unknown(f"{name} is not a name of one column alone") if holders else None


def _no_such(node: exp.Column) -> Value:
    return unknown(f"{node.sql()} is no column that the schema knows")
