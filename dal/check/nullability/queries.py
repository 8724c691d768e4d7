"""A query as a whole: WITH, set operations, LIMIT, and what it is made of."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlglot import exp

from dal.check.nullability.scope import Queries, Result, Rows, Schema, Scope
from dal.check.nullability.select import ARGUMENTS, select, values_lists
from dal.check.nullability.syntax import Unclear, check_arguments, item_names, renamed
from dal.check.nullability.values import Facts, Nullability, one_of, unknown
from dal.check.nullability.writes import change
from dal.check.tree import folded


@dataclass(slots=True)
class Analysis:
    """A statement's schema, and the parameters that occur more than once."""

    schema: Schema
    views: Collection[str]
    repeated: Facts

    def query(self, node: exp.Expr, outer: Scope | None, queries: Queries) -> Result:
        """A query, or a statement with RETURNING."""
        if with_ := node.args.get("with_"):
            queries = self._with(with_, outer, queries)
        match node:
            case exp.Subquery():
                check_arguments(
                    node, {"this", "alias", "with_", "order", "limit", "offset", "joins"}
                )
                found = self.query(node.this, outer, queries)
            case exp.Select():
                found = select(Scope(self, outer, queries), node)
            case exp.SetOperation():
                check_arguments(node, {*("this", "expression", "distinct", "with_"), *ARGUMENTS})
                found = self._combined(node, outer, queries)
            case exp.Values():
                check_arguments(
                    node, {"expressions", "alias", "joins", "order", "limit", "offset", "with_"}
                )
                found = values_lists(Scope(self, outer, queries), node)
            case exp.Insert() | exp.Update() | exp.Delete():
                found = change(Scope(self, outer, queries), node)
            case _:
                raise Unclear(f"{node.key.upper()} is not analysed")
        limit = node.args.get("limit")
        some = isinstance(limit, exp.Limit) and isinstance(limit.expression, exp.Literal)
        if (limit and not (some and limit.expression.name != "0")) or node.args.get("offset"):
            found = Result(found.items, found.rows.filtered())
        return found

    def _with(self, with_: exp.Expr, outer: Scope | None, queries: Queries) -> Queries:
        found = dict(queries)
        recursive = with_.args.get("recursive")
        if recursive:  # they may name each other in any order
            for cte in with_.expressions:
                found[folded(cte.args["alias"].this)] = self._recursive(cte)
        for cte in with_.expressions:
            name = folded(cte.args["alias"].this)
            if recursive and any(folded(one.this) == name for one in cte.this.find_all(exp.Table)):
                continue
            result = self.query(cte.this, outer, found)
            found[name] = Result(renamed(result.items, cte.args["alias"]), result.rows)
        return found

    def _recursive(self, cte: exp.Expr) -> Result:
        items = [
            (name, unknown("a recursive query is not analysed")) for name in item_names(cte.this)
        ]
        return Result(renamed(items, cte.args["alias"]))

    def _combined(self, node: exp.SetOperation, outer: Scope | None, queries: Queries) -> Result:
        left = self.query(node.this, outer, queries)
        right = self.query(node.expression, outer, queries)
        present = left.rows.present | right.rows.present
        fact = ("arm", id(node))
        items = []
        for (name, one), (_, other) in zip(left.items, right.items, strict=True):
            either = one_of([one, other], fact)
            if not isinstance(node, exp.Union):
                proven = [one] if isinstance(node, exp.Except) else [one, other]
                sure = [arm for arm in proven if arm.nullability is Nullability.NOT_NULL]
                kept = sure[0] if sure else unknown(f"{node.key.upper()} may leave the NULLs out")
                either = replace(kept, origin=either.origin, depends=either.depends)
            items.append((name, either))
        ways = (left.rows.certain, right.rows.certain)
        empty = left.rows.empty | right.rows.empty
        certain: bool | None = None
        if isinstance(node, exp.Union):
            certain = True if True in ways else None if None in ways else False
        return Result(items, Rows(certain, empty, present))
