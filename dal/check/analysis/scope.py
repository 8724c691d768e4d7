"""The names that an expression can use: relations, and what is proven about their columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sqlglot import exp

from dal.check.analysis.expressions import value
from dal.check.analysis.relations import Ctes, Equality, Merged, Relation, Result, within
from dal.check.analysis.values import Value, as_text, unproven
from dal.check.schema import Schema, Table
from dal.check.schema.routines import Routines
from dal.check.tree import folded

# PostgreSQL takes them for keywords if they are unquoted, and sqlglot for columns.
_KEYWORDS = {"default", "user", "current_role", "current_catalog", "current_schema"}


class StatementContext(Protocol):
    """What a scope needs of its statement."""

    schema: Schema
    plain: bool
    """Whether only plain equalities count for whose rows there are."""
    seen: set[int]
    """The tables that belong to a scope, by node."""
    writes: list[tuple[Table, str, Value]]
    """The values that are written, with their tables and columns."""

    def table(self, node: exp.Table) -> Table | None:
        """The table that a node names."""
        ...

    def query(self, node: exp.Expr, outer: "Scope | None", ctes: Ctes) -> Result:
        """The result of a query, such as a subselect."""
        ...

    def view(self, view: Table) -> Result:
        """The result of a view's query."""
        ...

    def owner(self, table: Table) -> str | None:
        """The column that holds the owner of a table's rows."""
        ...

    def note(self, node: exp.Expr, about: str, reason: str) -> None:
        """Note that the owner of the rows that a part reads or changes can't be followed."""
        ...

    def restrict(self, scope: "Scope", condition: exp.Expr) -> None:
        """Note what holds for each row that satisfies a condition."""
        ...


@dataclass(slots=True)
class Scope:
    """The relations that an expression can name, and what the conditions say about them.

    Attributes:
        outer: the scope of the outer query, whose columns can be named as well.
        relations: the relations in their order.
        merged: the columns that USING merges from two.
        equalities: the equalities that hold for the rows.
        conditions: the joins' conditions, with the relations that their names may refer to.
        is_joined: whether the planner makes a join with the outer query of it.
        target: the relation that a statement writes to, as RETURNING sees it.
        windows: the windows that WINDOW names.
        grouped: whether aggregates read the groups of GROUP BY, which have at least one row.
        never_empty: whether FROM and WHERE give at least one row.
        unsupported: why nothing is proven about the columns, if a part is not supported.
    """

    statement: StatementContext
    outer: "Scope | None"
    ctes: Ctes
    relations: list[Relation] = field(default_factory=list)
    merged: list[Merged] = field(default_factory=list)
    equalities: list[Equality] = field(default_factory=list)
    conditions: list[tuple[exp.Expr, Sequence[Relation]]] = field(default_factory=list)
    is_joined: bool = False
    target: Relation | None = None
    windows: Mapping[str, exp.Expr] = field(default_factory=dict)
    grouped: bool = False
    never_empty: bool = True
    unsupported: str = ""

    @property
    def routines(self) -> Routines:
        """The functions and operators of the database."""
        return self.statement.schema.routines

    def add(self, relation: Relation) -> Relation:
        """Add a relation."""
        if any(relation.name == present.name for present in self.relations):
            self.unsupported = f"two relations are called {relation.name}"
        self.relations.append(relation)
        return relation

    def note_unsupported(self, node: exp.Expr, supported: Iterable[str]) -> None:
        """Set `unsupported` if a node has an argument that is not supported."""
        for key, argument in node.args.items():
            if argument and key not in supported:
                self.unsupported = f"{key.strip('_').upper()} is not analysed"

    # Names.

    def column(self, node: exp.Column) -> Value:
        """A column's value, here or in an outer scope."""
        value = self.local(node)
        if value is None:
            return self.outer.column(node) if self.outer else _no_such(node)
        return value

    def local(self, node: exp.Column) -> Value | None:
        """The value of a column of this scope's relations; None if it has no such column."""
        name, qualifier = folded(node.this), folded(node.args.get("table"))
        is_keyword = not qualifier and name in _KEYWORDS and not node.this.args.get("quoted")
        if node.args.get("db") or is_keyword:
            return _no_such(node)
        if qualifier:
            qualified = [relation for relation in self.relations if relation.name == qualifier]
            return qualified[0].columns.get(name, _no_such(node)) if qualified else None
        value = self.among(name, self.relations)
        if value is None and any(relation.incomplete for relation in self.relations):
            return _no_such(node)
        return value

    def among(self, name: str, relations: Sequence[Relation]) -> Value | None:
        """The value of an unqualified column, among some of the relations."""
        holders = [relation for relation in relations if name in relation.columns]
        if len(holders) == 1:
            return holders[0].columns[name]
        if merged := self._merged(name, holders, relations):
            if merged.relation is None:
                return replace(merged.value, from_caller=False)
            column = merged.relation.columns[name]
            return (
                column
                if column.never_null
                else replace(merged.value, from_caller=column.from_caller)
            )
        return unproven(f"{name} is ambiguous") if holders else None

    def relation_of(self, name: str, relations: Sequence[Relation]) -> Relation | None:
        """The relation of an unqualified column, among some of the relations."""
        holders = [relation for relation in relations if name in relation.columns]
        if len(holders) == 1:
            return holders[0]
        merged = self._merged(name, holders, relations)
        return merged.relation if merged else None

    def _merged(
        self, name: str, holders: Sequence[Relation], relations: Sequence[Relation]
    ) -> Merged | None:
        """The column that USING has merged from columns of this name."""
        for merged in reversed(self.merged):
            covered = merged.covered
            if merged.name == name and within(holders, covered) and within(covered, relations):
                return merged
        return None

    def holder(self, node: exp.Column) -> Relation | None:
        """The only relation of this scope that a column may belong to."""
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
        return self.relation_of(name, self.relations)

    # What expressions ask for.

    def value(self, node: exp.Expr) -> Value:
        """An expression's value."""
        return value(node, self)

    def where(self, condition: exp.Expr) -> "Scope":
        """This scope, for the rows that satisfy a condition."""
        relations = {
            id(relation): replace(
                relation, columns=dict(relation.columns), matched=dict(relation.matched)
            )
            for relation in self.relations
        }
        merged = [
            replace(
                column,
                covered=[relations[id(relation)] for relation in column.covered],
                relation=relations[id(column.relation)] if column.relation else None,
            )
            for column in self.merged
        ]
        inside = replace(self, relations=[*relations.values()], merged=merged, target=None)
        self.statement.restrict(inside, condition)
        return inside

    def query(self, node: exp.Expr) -> Result:
        """A subselect's result."""
        return self.statement.query(node, self, self.ctes)

    def scalar(self, node: exp.Expr) -> Value:
        """The value of a subselect that returns at most one row."""
        result = self.query(node)
        if len(result.items) != 1:
            return unproven("a subselect of several columns is not analysed")
        value = as_text(result.items[0][1])
        if result.never_empty or not value.never_null:
            return value
        return replace(value, never_null=False, reason="a scalar subselect may find no row")

    def rows_of(self, node: exp.Expr) -> list[Value]:
        """The columns of a subselect that may return any number of rows."""
        return [as_text(value) for _, value in self.query(node).items]


def _no_such(node: exp.Column) -> Value:
    return unproven(f"{node.sql()} is not a known column")
