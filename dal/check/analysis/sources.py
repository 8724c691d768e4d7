"""FROM: what stands there, and how joins put it together."""

from collections import defaultdict
from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.conditions import exclude_null, restrict
from dal.check.analysis.functions import function_columns
from dal.check.analysis.ownership import equal_sides, propagate
from dal.check.analysis.relations import (
    Equality,
    Merged,
    Queries,
    Relation,
    Result,
    new_key,
    within,
)
from dal.check.analysis.scope import Scope
from dal.check.analysis.syntax import outermost, renamed
from dal.check.analysis.values import Items, Value, as_text, never_null, unproven
from dal.check.schema import Table
from dal.check.tree import folded

Joined = tuple[list[Relation], bool]
"""Relations that are joined, and whether there is always a row of them."""


def from_item(scope: Scope, node: exp.Expr) -> Joined:
    """What stands at one place of FROM, with the joins that sqlglot hangs on it."""
    inner = node.this
    if isinstance(node, exp.Subquery) and (
        isinstance(inner, exp.Table)
        or (isinstance(inner, exp.Subquery) and (inner.alias or inner.args.get("joins")))
    ):
        if node.alias:
            # What is within has other names outside, and is not seen by its own.
            scope.unclear = "a join with an alias is not analysed"
            scope.statement.doubt(inner, "statement", scope.unclear)
        joined = from_item(scope, inner)
    elif isinstance(node, exp.Table) and isinstance(inner, exp.Identifier):
        joined = table(scope, node, scope.queries)
    else:
        joined = _derived(scope, node)
    return chain(scope, node.args.get("joins") or [], joined)


def chain(scope: Scope, joins: list[exp.Join], first: Joined) -> Joined:
    """A chain of joins; a comma binds less than JOIN."""
    relations, some = first
    done: list[Relation] = []
    always = True
    for join in joins:
        if any(argument for key, argument in join.args.items() if key != "this"):
            relations, some = _join(scope, join, relations, some)
        else:
            done, always = done + relations, always and some
            relations, some = from_item(scope, join.this)
    return done + relations, always and some


def _join(scope: Scope, node: exp.Join, left: list[Relation], before: bool) -> Joined:
    scope.understand(node, {"this", "side", "kind", "on", "using"})
    if node.kind not in ("", "INNER", "OUTER", "CROSS"):
        scope.unclear = f"{node.kind} JOIN is not analysed"
    right, after = from_item(scope, node.this)
    side, on = node.side, node.args.get("on")
    filters = {"": [*left, *right], "LEFT": right, "RIGHT": left}.get(side, [])
    merged = [
        _using(scope, name, side, left, right, filters)
        for name in map(folded, node.args.get("using") or [])
    ]
    natural = bool(node.args.get("method"))
    matches = on is None or (isinstance(on, exp.Boolean) and bool(on.this))
    always = matches and not merged and not natural
    some = {"LEFT": before, "RIGHT": after}.get(side, before and after and always and not side)
    if on:
        scope.conditions.append((on, left + right))
    if on and not side:
        restrict(replace(scope, relations=left + right), on)
    scope.equalities += [Equality(pair, filters, left + right) for pair in equal_sides(on)]
    if side in ("LEFT", "FULL") and not (after and always):
        _extend(scope, right, f"the right side of a {side} JOIN")
    if side in ("RIGHT", "FULL") and not (before and always):
        _extend(scope, left, f"the left side of a {side} JOIN")
    scope.merged += merged
    return left + right, bool(some)


def _using(
    scope: Scope,
    name: str,
    side: str,
    left: list[Relation],
    right: list[Relation],
    filters: list[Relation],
) -> Merged:
    """The one column that USING makes of two."""
    one, other = scope.among(name, left), scope.among(name, right)
    covered = left + right
    if one is None or other is None:
        scope.unclear = f"USING ({name}) names an unknown column"
        return Merged(name, covered, unproven(scope.unclear), None)
    lefts = [relation for relation in left if name in relation.columns]
    # Of columns that were joined before, an outer join may have kept another one.
    if len(lefts) == 1 or not (side or any(relation.matched for relation in left)):
        scope.equalities += [
            Equality((_named(name, relation), _named(name, other)), filters, covered)
            for relation in right
            if name in relation.columns
            for other in lefts
        ]
    source = scope.source(name, right if side == "RIGHT" else left)
    if side == "FULL":
        both = one.never_null and other.never_null
        value = never_null("both sides are") if both else unproven("USING of a FULL JOIN")
        return Merged(name, covered, value, None)
    if side:
        return Merged(name, covered, one if side == "LEFT" else other, source)
    reason = "an inner join's USING excludes NULL"
    for relations in (left, right):
        holders = [relation for relation in relations if name in relation.columns]
        if len(holders) == 1 and holders[0] is not scope.target:
            exclude_null(holders[0], name, reason)
    return Merged(name, covered, replace(one, never_null=True, reason=reason), source)


def _named(column: str, relation: Relation) -> exp.Expr:
    return exp.column(column, relation.name, quoted=True)


def _extend(scope: Scope, relations: list[Relation], reason: str) -> None:
    """Note the rows of NULLs that an outer join makes where nothing matches."""

    def extended(value: Value, key: int = 0) -> Value:
        return replace(
            value,
            never_null=False,
            reason=reason,
            null_without=value.null_without | ({key} if key else frozenset()),
            only_null_without=key
            if key and (value.never_null or value.only_null_without == key)
            else 0,
        )

    for relation in relations:
        relation.matched = relation.matched or relation.columns
        relation.columns = {
            name: extended(value, relation.key) for name, value in relation.columns.items()
        }
    scope.merged = [
        replace(merged, value=extended(merged.value))
        if within(merged.covered, relations)
        else merged
        for merged in scope.merged
    ]


def table(scope: Scope, node: exp.Table, queries: Queries, *, written: bool = False) -> Joined:
    """A query of WITH, a table, or a view; `written` if the statement changes its rows."""
    scope.understand(node, {"this", "alias", "db", "joins", "only", "sample"})
    name, schema = folded(node.this), folded(node.args.get("db"))
    if not schema and name in queries:
        scope.statement.seen.add(id(node))
        return _add(scope, node, _apart(queries[name]), name)
    named = scope.statement.table(node)
    if named is None:
        return _add(scope, node, Result([]), name)
    if named.kind == "v" and not written:
        seen = scope.statement.view(named)
    else:
        seen = Result([(column, _column(named, column, written)) for column in named.columns])
    relations, some = _add(scope, node, seen, name)
    relations[0].source, owner = named, scope.statement.owner(named)
    if owner:  # `AS t (a, b)` gives new names to the first columns
        names = [name for name, _ in renamed(seen.items, node.args.get("alias"))]
        relations[0].table = node
        relations[0].owner = names[list(named.columns).index(owner)]
    return relations, some


def _apart(result: Result) -> Result:
    """The columns of WITH's query where it is named: a row of it apart from those elsewhere."""
    keys: defaultdict[int, int] = defaultdict(new_key)
    return replace(
        result,
        items=[
            (
                name,
                replace(
                    value,
                    null_without=frozenset(keys[key] for key in value.null_without),
                    only_null_without=keys[value.only_null_without]
                    if value.only_null_without
                    else 0,
                ),
            )
            for name, value in result.items
        ],
    )


def _column(table: Table, name: str, written: bool) -> Value:
    """A column of a table."""
    column, full = table.columns[name], f"{table.name}.{name}"
    if table.kind == "m":
        reason = f"materialized view `{table.name}`: its rows may be older than NOT NULL"
    elif written and (table.kind == "v" or table.rules):
        reason = f"a rule or a trigger may give another row of `{table.name}`"
    elif column.enforced:
        value = never_null(f"{full} is NOT NULL", column.type, null_free=column.null_free)
        return replace(value, origin=(table.name, name))
    elif column.declared:
        reason = f"{full} is declared NOT NULL, but that is not enforced of all its rows"
    else:
        reason = f"{full} is not declared NOT NULL"
    value = unproven(reason, column.type, null_free=column.null_free)
    return replace(value, origin=(table.name, name))


def _derived(scope: Scope, node: exp.Expr) -> Joined:
    """A subselect, VALUES, or a function."""
    inner = node.this if isinstance(node, exp.Lateral) else node
    propagate(scope, complete=False)  # what stands before is seen from within
    if isinstance(inner, (exp.Subquery, exp.Values)):
        outer = scope if isinstance(node, exp.Lateral) else scope.outer
        return _add(scope, node, scope.statement.query(inner, outer, scope.queries))
    for query in outermost(inner):
        scope.query(query)
    return _add(scope, node, Result(function_columns(scope, node)))


def _add(scope: Scope, node: exp.Expr, result: Result, name: str = "") -> Joined:
    """A relation with these columns; one without a name has columns that are not known."""
    alias = node.args.get("alias")
    items: Items = renamed(result.items, alias)
    given = folded(alias.this) if isinstance(alias, exp.TableAlias) else ""
    columns = {column: as_text(value) for column, value in items if column}
    relation = Relation(
        given or name or f"{id(node)}",
        columns,
        incomplete=len(columns) < len(items) or not items,
    )
    return [scope.add(relation)], result.never_empty
