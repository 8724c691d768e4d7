"""What an UPDATE may not compute, because a distributed table (Citus) refuses it.

That is a VOLATILE function; a STABLE function, operator or cast over a column; and a STABLE one
within CASE or COALESCE.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from sqlglot import exp

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.tree import bare, start
from dal.project.parts import target, types

Overloads: TypeAlias = list[tuple[str, list[str]]]
"""Of each overload `i`(mmutable), `s`(table) or `v`(olatile), which rise, and its types."""

Place: TypeAlias = Callable[[], int | None]
"""Finds a place: few are ever needed."""

_FUNCTIONS = """
    SELECT provolatile::text, ARRAY(SELECT format_type(one, NULL) FROM unnest(proargtypes) AS one)
    FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
    WHERE proname = %(name)s AND coalesce(
        nspname = %(schema)s::text, pg_function_is_visible(pg_proc.oid))
"""
_OPERATORS = """
    SELECT provolatile::text, ARRAY[format_type(oprleft, NULL), format_type(oprright, NULL)]
    FROM pg_operator
    JOIN pg_proc ON pg_proc.oid = oprcode
    WHERE oprname = %s AND pg_operator_is_visible(pg_operator.oid)
"""
_IMPLICIT = """
    SELECT format_type(castsource, NULL), format_type(casttarget, NULL)
    FROM pg_cast WHERE castcontext = 'i'
"""
# Where there is no cast of its own, it goes by way of text.
_CAST = """
    SELECT coalesce(
        (SELECT coalesce(provolatile::text, 'i')
         FROM pg_cast LEFT JOIN pg_proc ON pg_proc.oid = castfunc
         WHERE castsource = source.oid AND casttarget = target.oid AND castmethod <> 'i'),
        (SELECT max(provolatile::text) FROM pg_proc
         WHERE pg_proc.oid IN (source.typoutput, target.typinput) AND source.oid <> target.oid),
        'i')
    FROM pg_type AS source, pg_type AS target
    WHERE source.oid = to_regtype(%s) AND target.oid = to_regtype(%s)
"""

_SYMBOLS = {"LIKE": "~~", "NOT LIKE": "!~~", "ILIKE": "~~*", "NOT ILIKE": "!~~*"}
_SYMBOLS |= {"IS DISTINCT FROM": "=", "IS NOT DISTINCT FROM": "="}
_HARMLESS: "tuple[str, Place, str]" = ("", lambda: None, "i")
_NOW = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Localtime, exp.Localtimestamp)


def volatile(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """UPDATE and ON CONFLICT DO UPDATE that compute what a distributed table refuses."""
    for update in statement.tree.find_all(exp.Update, exp.OnConflict):
        for node in update.walk(prune=lambda part: isinstance(part, exp.With)):
            name, place, how = _Part(statement, catalog, update, node).judged()
            if how == "v":
                message = f"{name} is VOLATILE, and stands in an UPDATE"
                help_ = "give the value as a parameter, or take now(), the transaction's time"
            elif how == "s" and node.find(exp.Column):
                message = f"{name} is STABLE, and is applied to a column in an UPDATE"
                help_ = (
                    "write it with what is IMMUTABLE, such as"
                    " (x AT TIME ZONE 'UTC' + interval '1 day') AT TIME ZONE 'UTC'"
                )
            elif how == "s" and _conditional(node, update):
                message = f"{name} is STABLE, and stands in CASE or COALESCE in an UPDATE"
                help_ = "take it from outside: FROM (SELECT now() AS now) AS clock"
            else:
                continue
            yield statement.finding("volatile-in-update", place(), message, help_)


def _conditional(node: exp.Expr, update: exp.Expr) -> bool:
    while node is not update and node.parent is not None:
        node = node.parent
        if isinstance(node, exp.Case | exp.Coalesce):
            return True
    return False


@dataclass(frozen=True)
class _Part:
    """A part of an UPDATE, which may be a function, an operator or a cast."""

    statement: BoundStatement
    catalog: Catalog
    update: exp.Expr
    node: exp.Expr

    def judged(self) -> tuple[str, Place, str]:
        """Its name, its place, and `i`, `s` or `v`."""
        tree, node = self.statement, self.node
        if isinstance(node, exp.Cast):
            before, after = self._types([node.this, node]) or (None, None)
            rows = self.catalog.connection.execute(_CAST, [before, after]).fetchall()
            how = rows[0][0] if rows else "i"
            return f"the cast to {after}", partial(tree.after, node.this, "::"), how
        if isinstance(node, exp.Func) and "start" in node.meta:
            position, end = node.meta["start"], node.meta["end"] + 1
            name = tree.text[position:end].strip('"').lower()
            return f"{name}()", partial(tree.at, position), self._function(name)
        if isinstance(node, _NOW):
            word = node.sql("postgres")
            return word, partial(tree.after, target(self.update), word), "s"
        if isinstance(node, exp.Extract):
            return (
                "extract()",
                partial(tree.before, node.expression, "EXTRACT"),
                self._function("extract"),
            )
        if isinstance(node, exp.AtTimeZone):
            how = self._function("timezone", [node.args["zone"], node.this])
            return "AT TIME ZONE", partial(tree.after, node.this, "AT"), how
        if isinstance(node, exp.Between):
            pairs = [(node.this, node.args["low"]), (node.this, node.args["high"])]
            return "BETWEEN", partial(tree.after, node.this, "BETWEEN"), self._operator(">=", pairs)
        if isinstance(node, exp.In) and node.expressions:
            pairs = [(node.this, part) for part in node.expressions]
            return "IN", partial(tree.after, node.this, "IN"), self._operator("=", pairs)
        assigned = node.parent is self.update and node.arg_key == "expressions"
        if isinstance(node, exp.Binary) and not assigned:
            return self._binary(node)
        return _HARMLESS

    def _binary(self, node: exp.Binary) -> tuple[str, Place, str]:
        alone = type(node)(**(node.args | {"this": exp.column("x"), "expression": exp.column("x")}))
        written = alone.sql("postgres").removeprefix("x ").removesuffix(" x")
        symbol = _SYMBOLS.get(written, written)
        if any(one.isalnum() for one in symbol):  # syntax, such as AND or COLLATE
            return _HARMLESS
        left, right = bare(node.this), bare(node.expression)
        pairs = [(left, right)]
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
            pairs = list(zip(left.expressions, right.expressions, strict=False))
        word = written.split()[0] if written in _SYMBOLS else symbol[0]
        return symbol, partial(self.statement.after, left, word), self._operator(symbol, pairs)

    def _operator(self, symbol: str, pairs: Sequence[tuple[exp.Expr, exp.Expr]]) -> str:
        overloads = self.catalog.connection.execute(_OPERATORS, [symbol]).fetchall()
        return max(self._worst(overloads, pair) for pair in pairs)

    def _function(self, name: str, arguments: Sequence[exp.Expr] = ()) -> str:
        parent = self.node.parent
        schema = parent.this.name if isinstance(parent, exp.Dot) else None
        overloads = self.catalog.connection.execute(_FUNCTIONS, {"name": name, "schema": schema})
        # sqlglot keeps the arguments of some functions in an order of its own.
        given = sorted(self.node.iter_expressions(), key=lambda part: start(part) or 0)
        return self._worst(overloads.fetchall(), arguments or given)

    def _types(self, parts: Sequence[exp.Expr]) -> list[str | None] | None:
        return types(self.catalog, self.statement.binding.statement, self.update, parts)

    def _worst(self, overloads: Overloads, arguments: Sequence[exp.Expr]) -> str:
        """The volatility of the overload that is meant; where that is unclear, the worst one."""
        if len({how for how, _ in overloads}) > 1 and (actual := self._types(arguments)):
            implicit = set(self.catalog.connection.execute(_IMPLICIT).fetchall())
            overloads = _meant(overloads, actual, implicit) or overloads
        return max((how for how, _ in overloads), default="i")


def _meant(
    overloads: Overloads, actual: list[str | None], implicit: set[tuple[str, str]]
) -> Overloads:
    """Those that PostgreSQL would choose from."""
    # PostgreSQL has no operators of varchar's own.
    actual = ["text" if type_ == "character varying" else type_ for type_ in actual]
    other = next((type_ for type_ in actual if type_), None)

    def matches(ours: str | None, takes: str) -> bool:
        return ours in (None, takes)

    def becomes(ours: str | None, takes: str) -> bool:
        return matches(ours, takes) or (ours, takes) in implicit or takes.startswith("any")

    same = [overload for overload in overloads if len(overload[1]) == len(actual)]
    # A bare literal is taken for what stands on the other side, if there is such an operator.
    return (
        [overload for overload in same if overload[1] == [ours or other for ours in actual]]
        or [overload for overload in same if all(map(matches, actual, overload[1]))]
        or [overload for overload in same if all(map(becomes, actual, overload[1]))]
    )
