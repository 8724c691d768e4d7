"""A query as a whole: WITH, set operations, LIMIT, and what it is made of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from dal.check.analysis.conditions import restrict
from dal.check.analysis.ownership import of_caller
from dal.check.analysis.relations import Queries, Relation, Result
from dal.check.analysis.scope import Scope
from dal.check.analysis.select import UNDERSTOOD, select, values_lists
from dal.check.analysis.syntax import item_names, outermost, renamed
from dal.check.analysis.unread import unread_functions
from dal.check.analysis.values import Items, Value, never_null, one_of, unproven
from dal.check.analysis.writes import change, merge
from dal.check.dialect import NotAnalysedError, parsed
from dal.check.schema import Schema, Table
from dal.check.tree import folded, table_name

Doubt = tuple[exp.Expr, str, str]
"""A part whose rows can't be followed, what a waiver calls it, and why."""

_REASON = "a recursive query is not analysed"


@dataclass(slots=True)
class StatementAnalysis:
    """A statement's schema, and what is found out about its tables.

    Attributes:
        owner_of: gives the column that says whose a table's rows are.
        demands: of each table that the statement names, by its node: the owner's column, and
            whether something makes that equal to what the caller gave.
        doubts: parts whose rows can't be followed, with what they are about and why, by node.
        seen: the tables that a scope has, by node.
        writes: the values that are written, each with its table and column.
    """

    schema: Schema
    owner_of: Callable[[str, Iterable[str]], str | None]
    demands: dict[int, tuple[str, bool]] = field(default_factory=dict)
    doubts: dict[int, Doubt] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    writes: list[tuple[Table, str, Value]] = field(default_factory=list)
    _views: list[Table] = field(default_factory=list)  # those that are being read
    _trees: list[exp.Expr] = field(default_factory=list)  # of views: nodes are told by their ids

    def query(self, node: exp.Expr, outer: Scope | None, queries: Queries) -> Result:
        """A query, or a statement with RETURNING."""
        if with_ := node.args.get("with_"):
            queries = self._with(with_, outer, queries)
        scope = Scope(self, outer, queries)
        match node:
            case exp.Subquery():
                result = self.query(node.this, outer, queries)
            case exp.Select():
                result = select(scope, node)
            case exp.SetOperation():
                scope.understand(node, {"this", "expression", "distinct", *UNDERSTOOD})
                result = self._combined(node, outer, queries)
            case exp.Values():
                result = values_lists(scope, node)
            case exp.Insert() | exp.Update() | exp.Delete():
                result = change(scope, node)
            case exp.Merge():
                result = merge(scope, node)
            case _:
                return Result([])
        if not isinstance(node, exp.SetOperation | exp.Subquery):
            self._look_within(scope, node)
        limit = node.args.get("limit")
        cut = (limit and not _lets_one_pass(limit)) or node.args.get("offset")
        return Result(result.items, result.never_empty and not cut)

    def _look_within(self, scope: Scope, node: exp.Expr) -> None:
        """Note the tables of a scope, and those of the subselects that it sees."""
        for relation in scope.relations:
            self._demand(relation)
        parts = [argument for key, argument in node.args.items() if key not in _SOURCES]
        for query in outermost(parts):
            self.query(query, scope, scope.queries)
        for condition, visible in scope.conditions:
            for query in outermost(condition):
                self.query(query, replace(scope, relations=list(visible)), scope.queries)

    def _demand(self, relation: Relation) -> None:
        if relation.table is not None and relation.owner:
            _, filtered = self.demands.get(id(relation.table), ("", False))
            name = f"{relation.name}.{relation.owner}"
            self.demands[id(relation.table)] = name, filtered or relation.filtered

    def table(self, node: exp.Table) -> Table | None:
        """The table that a part names; what can't be followed is a doubt."""
        name, schema = folded(node.this), folded(node.args.get("db"))
        table = self.schema.table(schema, name)
        self.seen.add(id(node))
        if table is None and name in _SAMPLES:
            self.doubt(node, table_name(node), f"{name} holds values of anybody's rows")
        elif table is None and not (schema in _SYSTEM or (name.startswith("pg_") and not schema)):
            self.doubt(node, table_name(node), f"{name} is no table that is known here")
        elif table and table.is_view and not self._keeps_owners(table):
            reason = f"whose rows the view {name} gives can't be told"
            self.doubt(node, table_name(node), reason)
        return table

    def _keeps_owners(self, view: Table) -> bool:
        """Whether all of a view's row is its owner's, or nobody's where it names no owner."""
        owner = self.owner(view)
        if view in self._views:
            return False
        try:
            tree = parsed(view.definition)
            asked = tree if owner is None else of_caller(tree, list(view.columns).index(owner))
        except NotAnalysedError:
            return False
        if asked is None:
            return False
        inside = StatementAnalysis(self.schema, self.owner_of, _views=[*self._views, view])
        inside.query(asked, None, {})
        inside.finish(asked)
        return not inside.doubts and all(filtered for _, filtered in inside.demands.values())

    def finish(self, root: exp.Expr) -> None:
        """Note what no scope has: further tables, and functions that read what they please."""
        for node in root.find_all(exp.Table):
            is_table = isinstance(node.this, exp.Identifier)  # and no function's result
            if is_table and id(node) not in self.seen and not isinstance(node.parent, exp.Lock):
                table = self.table(node)
                if table and (owner := self.owner(table)):
                    self.demands[id(node)] = f"{node.alias_or_name}.{owner}", False
        for call, name, reason in unread_functions(root, self.schema.routines):
            self.doubt(call, name, reason)

    def doubt(self, node: exp.Expr, about: str, reason: str) -> None:
        """Note that whose rows a part reads or changes can't be followed."""
        self.doubts[id(node)] = node, about, reason

    def owner(self, table: Table) -> str | None:
        """The column that says whose a table's rows are."""
        return self.owner_of(table.name.rpartition(".")[2], table.columns)

    def restrict(self, scope: Scope, condition: exp.Expr) -> None:
        """Note what holds for each row that a condition lets pass."""
        restrict(scope, condition)

    def view(self, view: Table) -> Result:
        """What a view's query gives."""
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
        return Result(
            [(name, replace(value, from_caller=False)) for name, value in items],
            result.never_empty,
        )

    def _with(self, with_: exp.Expr, outer: Scope | None, queries: Queries) -> Queries:
        named = dict(queries)
        recursive = with_.args.get("recursive")
        if recursive:  # they may name each other in any order
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

    def _recursion(self, cte: exp.Expr, outer: Scope | None, queries: Queries) -> Result:
        """The rows of a query that names itself.

        That a column is never NULL is assumed of the rows that the second arm reads, as long as it
        holds of those that both arms give.
        """
        node, alias = cte.this, cte.args["alias"]
        arguments = {key for key, argument in node.args.items() if argument}
        if type(node) is not exp.Union or not arguments <= {"this", "expression", "distinct"}:
            self.query(node, outer, queries)  # for the tables in it
            return _not_analysed(cte)
        first = self.query(node.this, outer, queries)
        names = [name for name, _ in first.items]
        assumed = [_assumed(value) for _, value in first.items]
        while True:
            named = renamed(list(zip(names, assumed, strict=True)), alias)
            inside = {**queries, folded(alias.this): Result(named)}
            second = self.query(node.expression, outer, inside)
            left = [
                _weaker(value, made)
                for value, (_, made) in zip(assumed, second.items, strict=False)
            ]
            if left == assumed or len(left) != len(assumed):
                return Result(named, first.never_empty)
            assumed = left

    def _combined(self, node: exp.SetOperation, outer: Scope | None, queries: Queries) -> Result:
        left = self.query(node.this, outer, queries)
        right = self.query(node.expression, outer, queries)
        items: Items = []
        for (name, one), (_, other) in zip(left.items, right.items, strict=False):
            either = one_of([one, other])
            if not isinstance(node, exp.Union):
                arms = [one] if isinstance(node, exp.Except) else [one, other]
                sure = next((arm for arm in arms if arm.never_null), arms[0])
                either = replace(
                    either,
                    never_null=sure.never_null,
                    reason=sure.reason,
                    null_free=any(arm.null_free for arm in arms),
                )
            items.append((name, either))
        return Result(
            items, isinstance(node, exp.Union) and (left.never_empty or right.never_empty)
        )


# What is looked into by itself.
_SOURCES = ("with_", "from_", "joins", "using", "laterals", "this", "expression")
_SYSTEM = ("pg_catalog", "information_schema")
# Relations of PostgreSQL's own that hold values out of the tables.
_SAMPLES = {
    *("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs", "pg_statistic", "pg_statistic_ext_data"),
    "pg_largeobject",
}


def _lets_one_pass(limit: exp.Expr) -> bool:
    number = limit.expression if isinstance(limit, exp.Limit) else None
    return isinstance(number, exp.Literal) and number.name.isdigit() and int(number.name) > 0


def _not_analysed(cte: exp.Expr) -> Result:
    items = [(name, unproven(_REASON)) for name in item_names(cte.this)]
    return Result(renamed(items, cte.args["alias"]))


def _assumed(value: Value) -> Value:
    made = never_null("both arms of the recursion are") if value.never_null else value
    # A row of the second arm has no part in what the first arm's outer joins lack.
    made = replace(made, null_without=frozenset(), only_null_without=0)
    return replace(made, type=value.type, null_free=value.null_free, from_caller=False)


def _weaker(value: Value, made: Value) -> Value:
    """What is left of an assumption when such a value was made."""
    kept = value if made.never_null or not value.never_null else unproven(made.reason)
    return replace(kept, type=value.type, null_free=value.null_free and made.null_free)
