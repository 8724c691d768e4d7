"""Optional rule: what an UPDATE of a distributed table (Citus) may not compute.

These are a VOLATILE function; a STABLE function, operator or cast over a column; and a STABLE one
within CASE or COALESCE, unless a subselect computes it there.
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
from dal.project.distributed.update_types import part_types, target

Overloads: TypeAlias = list[tuple[str, list[str]]]
"""The volatility of each overload, `i` < `s` < `v`, and the types of its arguments."""

Place: TypeAlias = Callable[[], int | None]
"""Finds the offset of a part; lazy, because few are needed."""

_FUNCTIONS = """
    SELECT
        provolatile::text,
        ARRAY(SELECT format_type(argument, NULL) FROM unnest(proargtypes) AS argument)
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
# Types without a cast in the catalogue are cast by way of text.
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
_IMMUTABLE_PART: "tuple[str, Place, str]" = ("", lambda: None, "i")
_NOW = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Localtime, exp.Localtimestamp)


def volatile(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """UPDATE and ON CONFLICT DO UPDATE that compute what a distributed table refuses."""
    for update in statement.tree.find_all(exp.Update, exp.OnConflict):
        for node in update.walk(prune=lambda part: isinstance(part, exp.With)):
            name, place, volatility = _Part(statement, catalog, update, node).classified()
            if volatility == "v":
                message = (
                    f"{name} is VOLATILE; Citus refuses it in an UPDATE of a distributed table"
                )
                help_ = "pass the value as a parameter, or use now()"
            elif volatility == "s" and node.find(exp.Column):
                message = (
                    f"{name} is STABLE and applied to a column; Citus refuses that in an UPDATE"
                )
                help_ = (
                    "use an IMMUTABLE expression, such as"
                    " (x AT TIME ZONE 'UTC' + interval '1 day') AT TIME ZONE 'UTC'"
                )
            elif volatility == "s" and _conditional(node, update):
                message = f"{name} is STABLE in CASE or COALESCE; Citus refuses that in an UPDATE"
                help_ = "compute it in a subselect: (SELECT now())"
            else:
                continue
            yield statement.finding("volatile-in-update", place(), message, help_)


def _conditional(node: exp.Expr, update: exp.Expr) -> bool:
    while node is not update and node.parent is not None:
        node = node.parent
        if isinstance(node, exp.Case | exp.Coalesce):
            return True
        if isinstance(node, exp.Select):  # it is computed there, before the row
            return False
    return False


@dataclass(frozen=True)
class _Part:
    """A part of an UPDATE, perhaps a function, an operator or a cast."""

    statement: BoundStatement
    catalog: Catalog
    update: exp.Expr
    node: exp.Expr

    def classified(self) -> tuple[str, Place, str]:
        """Its name, its place, and its volatility: `i`, `s` or `v`."""
        statement, node = self.statement, self.node
        if isinstance(node, exp.Cast):
            before, after = self._types([node.this, node]) or (None, None)
            rows = self.catalog.connection.execute(_CAST, [before, after]).fetchall()
            volatility = rows[0][0] if rows else "i"
            return f"the cast to {after}", partial(statement.after, node.this, "::"), volatility
        if isinstance(node, exp.Func) and "start" in node.meta:
            position, end = node.meta["start"], node.meta["end"] + 1
            name = statement.text[position:end].strip('"').lower()
            return f"{name}()", partial(statement.at, position), self._function(name)
        if isinstance(node, _NOW):
            word = node.sql("postgres")
            return word, partial(statement.after, target(self.update), word), "s"
        if isinstance(node, exp.Extract):
            return (
                "extract()",
                partial(statement.before, node.expression, "EXTRACT"),
                self._function("extract"),
            )
        if isinstance(node, exp.AtTimeZone):
            volatility = self._function("timezone", [node.args["zone"], node.this])
            return "AT TIME ZONE", partial(statement.after, node.this, "AT"), volatility
        if isinstance(node, exp.Between):
            pairs = [(node.this, node.args["low"]), (node.this, node.args["high"])]
            return (
                "BETWEEN",
                partial(statement.after, node.this, "BETWEEN"),
                self._operator(">=", pairs),
            )
        if isinstance(node, exp.In) and node.expressions:
            pairs = [(node.this, part) for part in node.expressions]
            return "IN", partial(statement.after, node.this, "IN"), self._operator("=", pairs)
        assigned = node.parent is self.update and node.arg_key == "expressions"
        if isinstance(node, exp.Binary) and not assigned:
            return self._binary(node)
        return _IMMUTABLE_PART

    def _binary(self, node: exp.Binary) -> tuple[str, Place, str]:
        pattern = type(node)(
            **(node.args | {"this": exp.column("x"), "expression": exp.column("x")})
        )
        written = pattern.sql("postgres").removeprefix("x ").removesuffix(" x")
        symbol = _SYMBOLS.get(written, written)
        if any(character.isalnum() for character in symbol):  # syntax, such as AND or COLLATE
            return _IMMUTABLE_PART
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
        operands = sorted(self.node.iter_expressions(), key=lambda part: start(part) or 0)
        return self._worst(overloads.fetchall(), arguments or operands)

    def _types(self, parts: Sequence[exp.Expr]) -> list[str | None] | None:
        return part_types(self.catalog, self.statement.binding.statement, self.update, parts)

    def _worst(self, overloads: Overloads, arguments: Sequence[exp.Expr]) -> str:
        """The volatility of the overload that is called; if that is unclear, the worst one."""
        if len({volatility for volatility, _ in overloads}) > 1 and (
            argument_types := self._types(arguments)
        ):
            implicit = set(self.catalog.connection.execute(_IMPLICIT).fetchall())
            overloads = _candidates(overloads, argument_types, implicit) or overloads
        return max((volatility for volatility, _ in overloads), default="i")


def _candidates(
    overloads: Overloads, argument_types: list[str | None], implicit: set[tuple[str, str]]
) -> Overloads:
    """The overloads that PostgreSQL would choose from."""
    # PostgreSQL has no operators for varchar.
    argument_types = ["text" if type_ == "character varying" else type_ for type_ in argument_types]
    literal_type = next((type_ for type_ in argument_types if type_), None)

    def matches(type_: str | None, takes: str) -> bool:
        return type_ in (None, takes)

    def becomes(type_: str | None, takes: str) -> bool:
        return matches(type_, takes) or (type_, takes) in implicit or takes.startswith("any")

    of_arity = [overload for overload in overloads if len(overload[1]) == len(argument_types)]
    # A bare literal takes the type of the other side, if there is such an operator.
    return (
        [
            overload
            for overload in of_arity
            if overload[1] == [type_ or literal_type for type_ in argument_types]
        ]
        or [overload for overload in of_arity if all(map(matches, argument_types, overload[1]))]
        or [overload for overload in of_arity if all(map(becomes, argument_types, overload[1]))]
    )
