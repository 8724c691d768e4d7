"""What an expression can name: the relations around it, and what is proven of their columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sqlglot import exp

from dal.check.analysis.expressions import value
from dal.check.analysis.relations import Equality, Merged, Queries, Relation, Result, within
from dal.check.analysis.values import Value, as_text, unproven
from dal.check.schema import Schema, Table
from dal.check.schema.routines import Routines
from dal.check.tree import folded

# Unquoted they are no names to PostgreSQL, and sqlglot reads columns.
_WORDS = {"default", "user", "current_role", "current_catalog", "current_schema"}


class StatementContext(Protocol):
    """What a scope asks of the statement that it is a part of."""

    schema: Schema
    seen: set[int]
    """The tables that a scope has, by node."""
    writes: list[tuple[Table, str, Value]]
    """The values that are written, each with its table and column."""

    def table(self, node: exp.Table) -> Table | None:
        """The table that a part names."""
        ...

    def query(self, node: exp.Expr, outer: "Scope | None", queries: Queries) -> Result:
        """A query's columns, as of a subselect."""
        ...

    def view(self, view: Table) -> Result:
        """What a view's query gives."""
        ...

    def owner(self, table: Table) -> str | None:
        """The column that says whose a table's rows are."""
        ...

    def doubt(self, node: exp.Expr, about: str, reason: str) -> None:
        """Note that whose rows a part reads or changes can't be followed."""
        ...

    def restrict(self, scope: "Scope", condition: exp.Expr) -> None:
        """Note what holds for each row that a condition lets pass."""
        ...


@dataclass(slots=True)
class Scope:
    """The relations that an expression can name, and what the conditions say of them.

    Attributes:
        outer: the scope around, whose columns can be named as well.
        relations: in their order.
        merged: the columns that USING makes of two.
        equalities: those that hold of the rows.
        conditions: those of the joins, each with the relations that its names may mean.
        target: the relation that a statement writes to, and gives as it is then.
        windows: those that WINDOW names.
        grouped: each aggregate sees the rows of a GROUP BY's group, at least one.
        never_empty: FROM and WHERE give at least one row.
        unclear: why nothing is proven of the columns, where a part is not understood.
    """

    statement: StatementContext
    outer: "Scope | None"
    queries: Queries
    relations: list[Relation] = field(default_factory=list)
    merged: list[Merged] = field(default_factory=list)
    equalities: list[Equality] = field(default_factory=list)
    conditions: list[tuple[exp.Expr, Sequence[Relation]]] = field(default_factory=list)
    target: Relation | None = None
    windows: Mapping[str, exp.Expr] = field(default_factory=dict)
    grouped: bool = False
    never_empty: bool = True
    unclear: str = ""

    @property
    def routines(self) -> Routines:
        """The functions and operators of the database."""
        return self.statement.schema.routines

    def add(self, relation: Relation) -> Relation:
        """Take in a relation."""
        if any(relation.name == other.name for other in self.relations):
            self.unclear = f"two relations are called {relation.name}"
        self.relations.append(relation)
        return relation

    def understand(self, node: exp.Expr, understood: Iterable[str]) -> None:
        """Note where a node has more to it than what is understood."""
        for key, argument in node.args.items():
            if argument and key not in understood:
                self.unclear = f"{key.strip('_').upper()} is not analysed"

    # Names.

    def column(self, node: exp.Column) -> Value:
        """A column's value, here or in a scope around."""
        value = self.local(node)
        if value is None:
            return self.outer.column(node) if self.outer else _no_such(node)
        return value

    def local(self, node: exp.Column) -> Value | None:
        """A column of this scope's own relations."""
        name, qualifier = folded(node.this), folded(node.args.get("table"))
        word = not qualifier and name in _WORDS and not node.this.args.get("quoted")
        if node.args.get("db") or word:
            return _no_such(node)
        if qualifier:
            named = [relation for relation in self.relations if relation.name == qualifier]
            return named[0].columns.get(name, _no_such(node)) if named else None
        value = self.among(name, self.relations)
        if value is None and any(relation.incomplete for relation in self.relations):
            return _no_such(node)
        return value

    def among(self, name: str, relations: Sequence[Relation]) -> Value | None:
        """An unqualified column of some of the relations."""
        holders = [relation for relation in relations if name in relation.columns]
        if len(holders) == 1:
            return holders[0].columns[name]
        if merged := self._merged(name, holders, relations):
            if merged.source is None:
                return replace(merged.value, from_caller=False)
            own = merged.source.columns[name]
            return own if own.never_null else replace(merged.value, from_caller=own.from_caller)
        return unproven(f"{name} is not a name of one column alone") if holders else None

    def source(self, name: str, relations: Sequence[Relation]) -> Relation | None:
        """The relation whose column an unqualified name means, among some of them."""
        holders = [relation for relation in relations if name in relation.columns]
        if len(holders) == 1:
            return holders[0]
        merged = self._merged(name, holders, relations)
        return merged.source if merged else None

    def _merged(
        self, name: str, holders: Sequence[Relation], relations: Sequence[Relation]
    ) -> Merged | None:
        """What USING has made of the columns of this name."""
        for merged in reversed(self.merged):
            covered = merged.covered
            if merged.name == name and within(holders, covered) and within(covered, relations):
                return merged
        return None

    def holder(self, node: exp.Column) -> Relation | None:
        """The one relation here whose column is meant."""
        name, qualifier = folded(node.this), folded(node.args.get("table"))
        holders = [
            relation
            for relation in self.relations
            if name in relation.columns and qualifier in ("", relation.name)
        ]
        if node.args.get("db") or (
            not qualifier and any(relation.incomplete for relation in self.relations)
        ):
            return None
        if len(holders) == 1 or qualifier:
            return holders[0] if len(holders) == 1 else None
        return self.source(name, self.relations)

    # What expressions ask for.

    def value(self, node: exp.Expr) -> Value:
        """An expression's value."""
        return value(node, self)

    def where(self, condition: exp.Expr) -> "Scope":
        """The same for the rows that a condition lets pass."""
        relations = {
            id(relation): replace(
                relation, columns=dict(relation.columns), matched=dict(relation.matched)
            )
            for relation in self.relations
        }
        merged = [
            replace(
                each,
                covered=[relations[id(relation)] for relation in each.covered],
                source=relations[id(each.source)] if each.source else None,
            )
            for each in self.merged
        ]
        inside = replace(self, relations=[*relations.values()], merged=merged, target=None)
        self.statement.restrict(inside, condition)
        return inside

    def query(self, node: exp.Expr) -> Result:
        """A subselect's result."""
        return self.statement.query(node, self, self.queries)

    def scalar(self, node: exp.Expr) -> Value:
        """The value of a subselect that gives at most one row."""
        result = self.query(node)
        if len(result.items) != 1:
            return unproven("a subselect of several columns is not analysed")
        value = as_text(result.items[0][1])
        if result.never_empty or not value.never_null:
            return value
        return replace(value, never_null=False, reason="a scalar subselect may find no row")

    def rows_of(self, node: exp.Expr) -> list[Value]:
        """The columns of a subselect that may give any number of rows."""
        return [as_text(value) for _, value in self.query(node).items]


def _no_such(node: exp.Column) -> Value:
    return unproven(f"{node.sql()} is no column that the schema knows")
