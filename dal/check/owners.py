"""Which tables a statement reads or writes without saying whose rows it means.

Trusted is a column that can only hold what the caller gave: it equals a parameter, or another
trusted column. A table of users' rows has to have a trusted owner wherever it is named.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp

from dal.check.tree import bare, conjuncts, inner

Output: TypeAlias = list[tuple[str, bool]]
"""The columns of a relation by name, and whether each is trusted."""


@dataclass(eq=False)
class _Relation:
    name: str
    columns: dict[str, bool]
    table: exp.Table | None = None
    owner: str | None = None

    @property
    def filtered(self) -> bool:
        return self.owner is None or self.columns[self.owner]


@dataclass(frozen=True)
class _Equality:
    sides: tuple[exp.Expr, exp.Expr]
    filters: Sequence[_Relation]  # whose rows are left out where it does not hold

    def trusted(self, visible: Sequence[_Relation]) -> Iterator[tuple[_Relation, str]]:
        """The columns that it makes trusted."""
        for this, other in (self.sides, self.sides[::-1]):
            found = _column(this, visible)
            if found and found[0] in self.filters and given(other, visible):
                yield found


def owner_column(table: str, columns: Iterable[str]) -> str | None:
    """The column that says whose a table's rows are: `user_id`, and `id` of users itself."""
    return "id" if table == "users" else next((one for one in columns if one == "user_id"), None)


def given(value: exp.Expr, visible: Sequence[_Relation]) -> bool:
    """Whether an expression is a parameter, or a trusted column."""
    value = inner(value)
    if isinstance(value, exp.Any):
        return given(value.this, visible)
    if isinstance(value, exp.Array):  # = ANY (ARRAY[:x])
        return all(given(element, visible) for element in value.expressions)
    if isinstance(value, exp.Subquery) and isinstance(value.this, exp.Select):
        select = value.this  # (SELECT :x) hides a value from the planner
        return not select.args.get("from_") and given(select.selects[0].unalias(), visible)
    found = _column(value, visible)
    return isinstance(value, exp.Parameter) or bool(found and found[0].columns[found[1]])


def _column(value: exp.Expr, visible: Sequence[_Relation]) -> tuple[_Relation, str] | None:
    if isinstance(value, exp.Column):
        for one in visible:  # the innermost first
            if value.table in ("", one.name) and value.name in one.columns:
                return one, value.name
    return None


class Unfiltered:
    """The tables of one statement that are not filtered by their owner.

    Parameters:
        root: the statement.
        columns: the schema's tables and views, with their columns in order.
    """

    def __init__(self, root: exp.Expr, columns: Mapping[str, Iterable[str]]) -> None:
        self._columns = columns
        self._seen: set[int] = set()
        self.tables: list[exp.Table] = []
        self._query(root, {}, ())
        # Where none was expected, nothing is proven.
        for table in root.find_all(exp.Table):
            if id(table) not in self._seen:
                self._demand([self._relation(table, {})])

    def _query(
        self, node: exp.Expr, known: Mapping[str, Output], outer: Sequence[_Relation]
    ) -> Output:
        for one in node.args["with_"].expressions if node.args.get("with_") else ():
            known = {**known, one.alias: []} if node.args["with_"].recursive else known
            output = _renamed(self._query(one.this, known, outer), one.args["alias"])
            known = {**known, one.alias: output}
        if isinstance(node, exp.Subquery | exp.Paren):
            return self._query(node.this, known, outer)
        if isinstance(node, exp.SetOperation):
            both = (self._query(side, known, outer) for side in (node.this, node.expression))
            return [(name, ours and its) for (name, ours), (_, its) in zip(*both, strict=True)]
        if isinstance(node, exp.Values):
            self._nested(node.expressions, known, outer)
            rows = zip(*(row.expressions for row in node.expressions), strict=True)
            return [("", all(given(one, outer) for one in values)) for values in rows]
        if isinstance(node, exp.Insert):
            return self._insert(node, known, outer)
        if isinstance(node, exp.Select | exp.Update | exp.Delete):
            return self._scope(node, known, outer)
        return []

    def _scope(
        self,
        node: exp.Select | exp.Update | exp.Delete,
        known: Mapping[str, Output],
        outer: Sequence[_Relation],
    ) -> Output:
        relations: list[_Relation] = []
        equalities = [_Equality(pair, relations) for pair in _pairs(node.args.get("where"))]
        conditions = [value for key, value in node.args.items() if key not in _SOURCES]
        for item, join in _sources(node):
            _settle(equalities, [*relations, *outer])
            before, one = tuple(relations), self._item(item, known, [*relations, *outer])
            relations.append(one)
            if join:
                filters = {"LEFT": (one,), "RIGHT": before, "FULL": ()}.get(join.side, relations)
                pairs = list(_pairs(join.args.get("on")))
                for column in join.args.get("using") or ():
                    ours = exp.column(column.name, one.name)
                    pairs += [(ours, exp.column(column.name, left.name)) for left in before]
                equalities += [_Equality(pair, filters) for pair in pairs]
                conditions.append(join.args.get("on"))
        visible = [*relations, *outer]
        _settle(equalities, visible)
        self._demand(relations)
        self._nested(conditions, known, visible)
        returning = node.args.get("returning")
        listed = node if isinstance(node, exp.Select) else returning
        return _listed(listed, visible)

    def _insert(
        self, node: exp.Insert, known: Mapping[str, Output], outer: Sequence[_Relation]
    ) -> Output:
        table = node.this.this if isinstance(node.this, exp.Schema) else node.this
        target = self._relation(table, {})
        names = [one.name for one in node.this.expressions] or list(target.columns)
        source = self._query(node.expression, known, outer) if node.expression else []
        for name, (_, trusted) in zip(names, source, strict=False):
            target.columns[name] = trusted
        conflict = node.args.get("conflict")
        if conflict and conflict.expressions:
            # It changes a row that is there: whose is only sure if the key says so.
            keys = [one.this.name for one in conflict.args.get("conflict_keys") or ()]
            if target.owner and target.owner not in keys:
                target.columns[target.owner] = False
        self._demand([target])
        excluded = _Relation("excluded", dict(target.columns))
        self._nested([conflict], known, [target, excluded, *outer])
        return _listed(node.args.get("returning"), [target, *outer])

    def _item(
        self, item: exp.Expr, known: Mapping[str, Output], before: Sequence[_Relation]
    ) -> _Relation:
        alias = item.args.get("alias") or exp.TableAlias()
        if isinstance(item, exp.Lateral):
            item = item.this
        if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier):
            return self._relation(item, known)
        if isinstance(item, exp.Unnest):
            output = [("", given(one, before)) for one in item.expressions]
            if not alias.columns:
                output = [(alias.name, trusted) for _, trusted in output]
            return _Relation(alias.name, dict(_renamed(output, alias)))
        output = self._query(item, known, before) if isinstance(item, exp.Query) else []
        return _Relation(alias.name, dict(_renamed(output, alias)))

    def _relation(self, table: exp.Table, known: Mapping[str, Output]) -> _Relation:
        self._seen.add(id(table))
        if not table.db and table.name in known:
            alias = table.args.get("alias") or exp.TableAlias()
            return _Relation(table.alias_or_name, dict(_renamed(known[table.name], alias)))
        columns = dict.fromkeys(self._columns.get(table.name, ()), False)
        owner = owner_column(table.name, columns) if columns else None
        return _Relation(table.alias_or_name, columns, table, owner)

    def _demand(self, relations: Iterable[_Relation]) -> None:
        self.tables += [one.table for one in relations if one.table and not one.filtered]

    def _nested(
        self, parts: Iterable[object], known: Mapping[str, Output], visible: Sequence[_Relation]
    ) -> None:
        for part in parts:
            if isinstance(part, exp.Query):
                self._query(part, known, visible)
            elif isinstance(part, exp.Expr):
                self._nested(part.iter_expressions(), known, visible)
            elif isinstance(part, list):
                self._nested(part, known, visible)


_SOURCES = ("with_", "from_", "joins", "using", "laterals")


def _sources(node: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Join | None]]:
    """What stands in FROM, in order, and how it is joined."""
    parts = [node.args.get("from_"), *(node.args.get("using") or ()), *node.args.get("joins", ())]
    if not isinstance(node, exp.Select):
        parts.insert(0, node.this)
    for part in parts:
        join = part if isinstance(part, exp.Join) else None
        item = part.this if isinstance(part, exp.From | exp.Join) else part
        if item is not None:
            yield item, join
            for further in item.args.get("joins") or ():
                yield further.this, further


def _pairs(condition: exp.Expr | None) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """The two sides of each equality that has to hold; of rows, those of their parts."""
    for one in conjuncts(condition):
        if isinstance(one, exp.EQ):
            sides = (bare(one.this), bare(one.expression))
            if all(isinstance(side, exp.Tuple) for side in sides):
                yield from zip(*(side.expressions for side in sides), strict=True)
            else:
                yield sides


def _settle(equalities: Iterable[_Equality], visible: Sequence[_Relation]) -> None:
    """Mark what is trusted, until nothing is added."""
    while new := [
        found
        for one in equalities
        for found in one.trusted(visible)
        if not found[0].columns[found[1]]
    ]:
        for relation, name in new:
            relation.columns[name] = True


def _listed(node: exp.Expr | None, visible: Sequence[_Relation]) -> Output:
    return [
        (one.alias_or_name, given(one.unalias(), visible))
        for one in (node.expressions if node else ())
    ]


def _renamed(output: Output, alias: exp.Expr) -> Output:
    names = [one.name for one in alias.args.get("columns") or ()]
    names += [name for name, _ in output[len(names) :]]
    trusted = [trusted for _, trusted in output] + [False] * (len(names) - len(output))
    return list(zip(names, trusted, strict=True))
