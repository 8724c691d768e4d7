"""Which tables a statement reads or writes without saying whose rows it means.

A table of users' rows has to have a trusted owner wherever it is named. What can't be followed (a
table of another schema, a function of the database's own) is not proven.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlglot import exp

from dal.check.owners.trust import (
    Equality,
    Output,
    Relation,
    equal_sides,
    is_given,
    outputs,
    renamed,
    settle,
)
from dal.check.server.catalog import Catalog
from dal.check.tree import folded

# What runs a text as SQL, or gives whole tables away by their names.
_RUN_TEXT = re.compile(
    r"(query|table|schema|database|cursor)_to_xml(schema|_and_xmlschema)?|dblink\w*|ts_stat"
    r"|crosstab\w*|connectby|xpath_table|lo_\w+|pg_read_\w+|pg_logical_slot_\w+"
)


class Unfiltered:
    """The tables of one statement that are not filtered by their owner.

    Parameters:
        root: the statement.
        catalog: whose tables it is about.

    Attributes:
        tables: those that are not filtered, and the column that would have to be.
        unproven: parts that can't be followed, and why.
    """

    def __init__(self, root: exp.Expr, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: set[int] = set()
        self.tables: list[tuple[exp.Table, str]] = []
        self.unproven: list[tuple[exp.Expr, str]] = []
        followed = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Copy)
        if not isinstance(root, followed):
            self.unproven.append((root, "what it reads or changes can't be told"))
        for function in root.find_all(exp.Anonymous):
            name = function.name.lower()
            if _RUN_TEXT.fullmatch(name):
                self.unproven.append((function, f"{name}() runs what can't be told"))
            elif name in catalog.functions:
                self.unproven.append((function, f"{name}() is the database's own, and not read"))
        self._query(root, {}, ())
        # Where none was expected, nothing is proven.
        for table in root.find_all(exp.Table):
            is_table = isinstance(table.this, exp.Identifier)  # and no function's result
            if is_table and id(table) not in self._seen and not isinstance(table.parent, exp.Lock):
                self._demand([self._relation(table, {})])

    def _query(
        self, node: exp.Expr, known: Mapping[str, Output], outer: Sequence[Relation]
    ) -> Output:
        for one in node.args["with_"].expressions if node.args.get("with_") else ():
            name = folded(one.args["alias"].this)
            inside = {**known, name: []} if node.args["with_"].recursive else known
            output = renamed(self._query(one.this, inside, outer), one.args["alias"])
            known = {**known, name: output}
        if isinstance(node, exp.Subquery | exp.Paren):
            return self._query(node.this, known, outer)
        if isinstance(node, exp.SetOperation):
            both = (self._query(side, known, outer) for side in (node.this, node.expression))
            return [(name, ours and its) for (name, ours), (_, its) in zip(*both, strict=False)]
        if isinstance(node, exp.Values):
            self._nested(node.expressions, known, outer)
            rows = zip(*(row.expressions for row in node.expressions), strict=False)
            return [("", all(is_given(one, outer) for one in values)) for values in rows]
        if isinstance(node, exp.Insert):
            return self._insert(node, known, outer)
        if isinstance(node, exp.Select | exp.Update | exp.Delete):
            return self._scope(node, known, outer)
        return []

    def _scope(
        self,
        node: exp.Select | exp.Update | exp.Delete,
        known: Mapping[str, Output],
        outer: Sequence[Relation],
    ) -> Output:
        relations: list[Relation] = []
        equalities = [Equality(pair, relations) for pair in equal_sides(node.args.get("where"))]
        conditions = [value for key, value in node.args.items() if key not in _SOURCES]
        chain = 0  # where the operands of the joins around an item begin; a comma binds less
        for item, join in _sources(node):
            settle(equalities, [*relations, *outer])
            if not join or _is_comma(join):
                chain = len(relations)
            before = tuple(relations[chain:])
            # What is written to is a table, whatever WITH calls so.
            named = {} if item is node.this else known
            one = self._item(item, named, [*relations, *outer])
            relations.append(one)
            if join:
                filters = {"LEFT": (one,), "RIGHT": before, "FULL": ()}.get(
                    join.side, (*before, one)
                )
                pairs = list(equal_sides(join.args.get("on")))
                for column in map(folded, join.args.get("using") or ()):
                    # Of columns that were joined before, an outer join may have kept another one.
                    holders = [left for left in before if column in left.columns]
                    if len(holders) == 1:
                        pairs.append((_named(column, one), _named(column, holders[0])))
                    elif join.side == "" and _inner_until(node, item):
                        pairs += [(_named(column, one), _named(column, left)) for left in holders]
                equalities += [Equality(pair, filters) for pair in pairs]
                conditions.append(join.args.get("on"))
        visible = [*relations, *outer]
        settle(equalities, visible)
        if isinstance(node, exp.Update):
            self._keep_owner(node, relations[0], visible)
        self._demand(relations)
        self._nested(conditions, known, visible)
        returning = node.args.get("returning")
        return outputs(node if isinstance(node, exp.Select) else returning, visible)

    def _insert(
        self, node: exp.Insert, known: Mapping[str, Output], outer: Sequence[Relation]
    ) -> Output:
        table = node.this.this if isinstance(node.this, exp.Schema) else node.this
        target = self._relation(table, {})
        named = node.this.expressions if isinstance(node.this, exp.Schema) else ()
        names = [*map(folded, named)] or list(target.columns)
        source = self._query(node.expression, known, outer) if node.expression else []
        for name, (_, trusted) in zip(names, source, strict=False):
            target.columns[name] = trusted
        conflict = node.args.get("conflict")
        if conflict and conflict.expressions:
            # It changes a row that is there: whose is only sure if the key says so.
            keys = [
                folded(one.find(exp.Identifier)) for one in conflict.args.get("conflict_keys") or ()
            ]
            if target.owner and target.owner not in keys:
                target.columns[target.owner] = False
        excluded = Relation("excluded", dict(target.columns))
        if conflict:
            self._keep_owner(conflict, target, [target, excluded, *outer])
        self._demand([target])
        self._nested([conflict], known, [target, excluded, *outer])
        return outputs(node.args.get("returning"), [target, *outer])

    def _item(
        self, item: exp.Expr, known: Mapping[str, Output], before: Sequence[Relation]
    ) -> Relation:
        alias = item.args.get("alias") or exp.TableAlias()
        name = folded(alias.this)
        if isinstance(item, exp.Lateral):
            item = item.this
        if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier):
            return self._relation(item, known)
        if isinstance(item, exp.Unnest):
            output = [("", is_given(one, before)) for one in item.expressions]
            if not alias.columns:
                output = [(name, trusted) for _, trusted in output]
            return Relation(name, dict(renamed(output, alias)))
        output = self._query(item, known, before) if isinstance(item, exp.Query) else []
        return Relation(name, dict(renamed(output, alias)), open=not output)

    def _relation(self, table: exp.Table, known: Mapping[str, Output]) -> Relation:
        self._seen.add(id(table))
        name, schema = folded(table.this), folded(table.args.get("db"))
        alias = table.args.get("alias") or exp.TableAlias()
        visible = folded(alias.this) or name
        if not schema and name in known:
            output = known[name]
            return Relation(visible, dict(renamed(output, alias)), open=not output)
        in_path = [*self._catalog.columns.get(name, ())]
        columns = self._catalog.everywhere.get((schema, name), []) if schema else in_path
        if not columns:
            if schema not in _SYSTEM and not (name.startswith("pg_") and not schema):
                self.unproven.append((table, f"{name} is no table that is known here"))
            return Relation(visible, {}, table, open=True)
        owner = self._catalog.owner(name, columns)
        if owner is None and not schema and name in self._catalog.views:
            self.unproven.append((table, f"whose rows the view {name} gives can't be told"))
        # `AS t (a, b)` gives new names to the first columns.
        names = [new for new, _ in renamed([(old, False) for old in columns], alias)]
        owner = owner and names[columns.index(owner)]
        return Relation(visible, dict.fromkeys(names, False), table, owner)

    def _keep_owner(self, update: exp.Expr, target: Relation, visible: Sequence[Relation]) -> None:
        """Trust an owner that SET changes only where the caller names the new one."""
        for one in update.expressions:
            left, right = one.this, one.expression
            columns = left.expressions if isinstance(left, exp.Tuple) else [left]
            values = right.expressions if isinstance(right, exp.Tuple) else [right]
            for place, column in enumerate(columns):
                if target.owner and folded(column.find(exp.Identifier)) == target.owner:
                    value = values[place] if len(values) == len(columns) else right
                    target.columns[target.owner] &= is_given(value, visible)

    def _demand(self, relations: Iterable[Relation]) -> None:
        self.tables += [
            (one.table, f"{one.name}.{one.owner}")
            for one in relations
            if one.table and not one.filtered
        ]

    def _nested(
        self, parts: Iterable[object], known: Mapping[str, Output], visible: Sequence[Relation]
    ) -> None:
        for part in parts:
            if isinstance(part, exp.Query):
                self._query(part, known, visible)
            elif isinstance(part, exp.Expr):
                self._nested(part.iter_expressions(), known, visible)
            elif isinstance(part, list):
                self._nested(part, known, visible)


_SOURCES = ("with_", "from_", "joins", "using", "laterals")
_SYSTEM = ("pg_catalog", "information_schema")


def _is_comma(join: exp.Join) -> bool:
    return not any(value for key, value in join.args.items() if key != "this")


def _inner_until(node: exp.Expr, item: exp.Expr) -> bool:
    """Whether no outer join stands before an item of FROM."""
    for one, join in _sources(node):
        if one is item:
            return True
        if join and join.side:
            return False
    return False


def _named(column: str, relation: Relation) -> exp.Column:
    return exp.column(column, relation.name, quoted=True)


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
