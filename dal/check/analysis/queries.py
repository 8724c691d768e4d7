"""Analyses whole queries: WITH, set operations, LIMIT, views and subselects."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from dal.check.analysis.conditions import restrict
from dal.check.analysis.opaque import opaque_functions
from dal.check.analysis.ownership import apart, is_joined, restricted_to_caller
from dal.check.analysis.relations import Ctes, Relation, Result
from dal.check.analysis.scope import Scope
from dal.check.analysis.select import SUPPORTED, select, values_lists
from dal.check.analysis.syntax import item_names, outermost, renamed
from dal.check.analysis.values import Items, Value, never_null, one_of, unproven
from dal.check.analysis.writes import change, merge
from dal.check.dialect import NotAnalysedError, parsed
from dal.check.schema import Schema, Table
from dal.check.tree import folded, table_name

Unanalysed = tuple[exp.Expr, str, str]
"""A part whose rows can't be followed, its name in a waiver, and the reason."""

_REASON = "a recursive query is not analysed"


@dataclass(slots=True)
class StatementAnalysis:
    """Analyses a statement's queries, and collects what is found about its tables.

    Attributes:
        owner_of: returns the column that holds the owner of a table's rows.
        plain: whether only plain equalities count for whose rows there are.
        owner_filters: for each table of the statement, by its node: the owner's column, whether a
            condition makes it equal to a value from the caller, and, if plain, to which.
        unanalysed: the parts whose rows can't be followed, with their names and reasons, by node.
        seen: the tables that belong to a scope, by node.
        writes: the values that are written, with their tables and columns.
    """

    schema: Schema
    owner_of: Callable[[str, Iterable[str]], str | None]
    plain: bool = False
    owner_filters: dict[int, tuple[str, bool, str]] = field(default_factory=dict)
    unanalysed: dict[int, Unanalysed] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    writes: list[tuple[Table, str, Value]] = field(default_factory=list)
    _views: list[Table] = field(default_factory=list)  # the views that are being analysed
    _trees: list[exp.Expr] = field(default_factory=list)  # of views: nodes are known by their ids

    def query(self, node: exp.Expr, outer: Scope | None, ctes: Ctes) -> Result:
        """The result of a query, or of a statement with RETURNING."""
        if with_ := node.args.get("with_"):
            ctes = self._with(with_, outer, ctes)
        scope = Scope(self, outer, ctes, is_joined=is_joined(node))
        match node:
            case exp.Subquery():
                result = self.query(node.this, outer, ctes)
            case exp.Select():
                result = select(scope, node)
            case exp.SetOperation():
                scope.note_unsupported(node, {"this", "expression", "distinct", *SUPPORTED})
                result = self._combined(node, outer, ctes)
            case exp.Values():
                result = values_lists(scope, node)
            case exp.Insert() | exp.Update() | exp.Delete():
                result = change(scope, node)
            case exp.Merge():
                result = merge(scope, node)
            case _:
                return Result([])
        if not isinstance(node, exp.SetOperation | exp.Subquery):
            self._note_tables(scope, node)
        limit = node.args.get("limit")
        may_be_empty = (limit and not _allows_a_row(limit)) or node.args.get("offset")
        return Result(result.items, result.never_empty and not may_be_empty)

    def _note_tables(self, scope: Scope, node: exp.Expr) -> None:
        """Note the tables of a scope and of its subselects."""
        for relation in scope.relations:
            self._note_owner(relation)
        parts = [argument for key, argument in node.args.items() if key not in _SOURCES]
        for query in outermost(parts):
            self.query(query, scope, scope.ctes)
        for condition, visible in scope.conditions:
            for query in outermost(condition):
                self.query(query, replace(scope, relations=list(visible)), scope.ctes)

    def _note_owner(self, relation: Relation) -> None:
        if relation.owned_node is not None and relation.owner:
            key, name = id(relation.owned_node), f"{relation.name}.{relation.owner}"
            if not self.owner_filters.get(key, ("", False))[1]:
                self.owner_filters[key] = name, relation.filtered, relation.bound_to

    def table(self, node: exp.Table) -> Table | None:
        """The table that a node names; notes if its rows can't be followed."""
        name, schema = folded(node.this), folded(node.args.get("db"))
        table = self.schema.table(schema, name)
        self.seen.add(id(node))
        if table is None and name in _SAMPLES:
            self.note(node, table_name(node), f"{name} holds values from the rows of all owners")
        elif table is None and not (schema in _SYSTEM or (name.startswith("pg_") and not schema)):
            self.note(node, table_name(node), f"the table {name} is not known")
        elif table and table.is_view and not self._keeps_owners(table):
            reason = f"the view {name} is not proven to keep owners' rows apart"
            self.note(node, table_name(node), reason)
        return table

    def _keeps_owners(self, view: Table) -> bool:
        """Whether each row of a view holds only its owner's data, or nobody's if it has none."""
        owner = self.owner(view)
        if view in self._views:
            return False
        try:
            tree = parsed(view.definition)
            names = list(view.columns)
            query = tree if owner is None else restricted_to_caller(tree, names.index(owner))
        except NotAnalysedError:
            return False
        if query is None:
            return False
        analysis = StatementAnalysis(self.schema, self.owner_of, self.plain)
        analysis._views += [*self._views, view]
        analysis.query(query, None, {})
        analysis.finish(query)
        filtered = (filtered for _, filtered, _ in analysis.owner_filters.values())
        return not analysis.unanalysed and all(filtered)

    def finish(self, root: exp.Expr) -> None:
        """Note the tables outside any scope, and the functions whose reads can't be followed."""
        for node in root.find_all(exp.Table):
            is_table = isinstance(node.this, exp.Identifier)  # not a function's result
            if is_table and id(node) not in self.seen and not isinstance(node.parent, exp.Lock):
                table = self.table(node)
                if table and (owner := self.owner(table)):
                    self.owner_filters[id(node)] = f"{node.alias_or_name}.{owner}", False, ""
        for call, name, reason in opaque_functions(root, self.schema.routines):
            self.note(call, name, reason)

    def note(self, node: exp.Expr, about: str, reason: str) -> None:
        """Note that the owner of the rows that a part reads or changes can't be followed."""
        self.unanalysed[id(node)] = node, about, reason

    def owner(self, table: Table) -> str | None:
        """The column that holds the owner of a table's rows."""
        return self.owner_of(table.name.rpartition(".")[2], table.columns)

    def restrict(self, scope: Scope, condition: exp.Expr) -> None:
        """Note what holds for each row that satisfies a condition."""
        # `scope` can't import `conditions`, which imports `scope`.
        restrict(scope, condition)

    def view(self, view: Table) -> Result:
        """The result of a view's query."""
        names = list(view.columns)
        if view in self._views:
            return Result([(name, unproven("a view of itself")) for name in names])
        self._views.append(view)
        try:
            tree = parsed(view.definition)
            self._trees.append(tree)
            result = self.query(tree, None, {})
        except NotAnalysedError as error:
            return Result([(name, unproven(f"view `{view.name}`: {error}")) for name in names])
        finally:
            self._views.pop()
        values = [value for _, value in result.items]
        if len(values) != len(names):
            return Result([(name, unproven(f"view `{view.name}`")) for name in names])
        items = [
            (name, replace(value, reason=f"view `{view.name}`: {value.reason}", type=column.type))
            for (name, column), value in zip(view.columns.items(), values, strict=True)
        ]
        return Result(apart(items), result.never_empty)

    def _with(self, with_: exp.Expr, outer: Scope | None, ctes: Ctes) -> Ctes:
        named = dict(ctes)
        recursive = with_.args.get("recursive")
        if recursive:  # these queries may refer to later ones
            for cte in with_.expressions:
                named[folded(cte.args["alias"].this)] = _not_analysed(cte)
        for cte in with_.expressions:
            name = folded(cte.args["alias"].this)
            if recursive and any(
                folded(node.this) == name for node in cte.this.find_all(exp.Table)
            ):
                named[name] = self._recursion(cte, outer, named)
            else:
                result = self.query(cte.this, outer, named)
                named[name] = Result(renamed(result.items, cte.args["alias"]), result.never_empty)
        return named

    def _recursion(self, cte: exp.Expr, outer: Scope | None, ctes: Ctes) -> Result:
        """The result of a query that names itself.

        A column is assumed to be never NULL in the rows that the second arm reads, as long as that
        holds for the rows that both arms return.
        """
        node, alias = cte.this, cte.args["alias"]
        arguments = {key for key, argument in node.args.items() if argument}
        if type(node) is not exp.Union or not arguments <= {"this", "expression", "distinct"}:
            self.query(node, outer, ctes)  # for the tables in it
            return _not_analysed(cte)
        first = self.query(node.this, outer, ctes)
        names = [name for name, _ in first.items]
        assumed = [_assumed(value) for _, value in first.items]
        while True:
            named = renamed(list(zip(names, assumed, strict=True)), alias)
            visible_ctes = {**ctes, folded(alias.this): Result(named)}
            second = self.query(node.expression, outer, visible_ctes)
            weakened = [
                _weaker(value, made)
                for value, (_, made) in zip(assumed, second.items, strict=False)
            ]
            if weakened == assumed or len(weakened) != len(assumed):
                return Result(named, first.never_empty)
            assumed = weakened

    def _combined(self, node: exp.SetOperation, outer: Scope | None, ctes: Ctes) -> Result:
        left = self.query(node.this, outer, ctes)
        right = self.query(node.expression, outer, ctes)
        items: Items = []
        for (name, left_value), (_, right_value) in zip(left.items, right.items, strict=False):
            either = one_of([left_value, right_value])
            if not isinstance(node, exp.Union):
                arms = [left_value] if isinstance(node, exp.Except) else [left_value, right_value]
                strongest = next((arm for arm in arms if arm.never_null), arms[0])
                either = replace(
                    either,
                    never_null=strongest.never_null,
                    reason=strongest.reason,
                    null_free=any(arm.null_free for arm in arms),
                )
            items.append((name, either))
        return Result(
            items, isinstance(node, exp.Union) and (left.never_empty or right.never_empty)
        )


# The parts that are analysed separately.
_SOURCES = ("with_", "from_", "joins", "using", "laterals", "this", "expression")
_SYSTEM = ("pg_catalog", "information_schema")
# Relations of PostgreSQL's own that hold values from tables.
_SAMPLES = {
    *("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs", "pg_statistic", "pg_statistic_ext_data"),
    "pg_largeobject",
}


def _allows_a_row(limit: exp.Expr) -> bool:
    number = limit.expression if isinstance(limit, exp.Limit) else None
    return isinstance(number, exp.Literal) and number.name.isdigit() and int(number.name) > 0


def _not_analysed(cte: exp.Expr) -> Result:
    items = [(name, unproven(_REASON)) for name in item_names(cte.this)]
    return Result(renamed(items, cte.args["alias"]))


def _assumed(value: Value) -> Value:
    made = never_null("both arms of the recursion are") if value.never_null else value
    # The outer joins of the first arm tell nothing about a row of the second.
    made = replace(made, null_if_unmatched=frozenset(), only_null_if_unmatched=0)
    return replace(made, type=value.type, null_free=value.null_free, from_caller=False)


def _weaker(value: Value, made: Value) -> Value:
    """An assumption about a value, weakened by a value that the second arm returns."""
    kept = value if made.never_null or not value.never_null else unproven(made.reason)
    return replace(kept, type=value.type, null_free=value.null_free and made.null_free)
