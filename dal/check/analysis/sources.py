"""Analyses FROM: its relations and how they are joined."""

from collections import defaultdict
from dataclasses import replace

from sqlglot import exp

from dal.check.analysis.conditions import exclude_null, restrict
from dal.check.analysis.functions import function_columns
from dal.check.analysis.ownership import apart, equal_sides, propagate
from dal.check.analysis.relations import (
    Ctes,
    Equality,
    Merged,
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
"""Relations that are joined, and whether the join always has a row."""


def from_item(scope: Scope, node: exp.Expr) -> Joined:
    """The relations of an item of FROM, with the joins that sqlglot attaches to it."""
    inner = node.this
    if isinstance(node, exp.Subquery) and (
        isinstance(inner, exp.Table)
        or (isinstance(inner, exp.Subquery) and (inner.alias or inner.args.get("joins")))
    ):
        if node.alias:
            # The alias hides the names of the relations inside.
            scope.unsupported = "a join with an alias is not analysed"
            scope.statement.note(inner, "statement", scope.unsupported)
        joined = from_item(scope, inner)
    elif isinstance(node, exp.Table) and isinstance(inner, exp.Identifier):
        joined = table(scope, node, scope.ctes)
    else:
        joined = _derived(scope, node)
    return chain(scope, node.args.get("joins") or [], joined)


def chain(scope: Scope, joins: list[exp.Join], first: Joined) -> Joined:
    """The relations of a chain of joins; JOIN binds tighter than a comma."""
    relations, never_empty = first
    done: list[Relation] = []
    all_never_empty = True
    for join in joins:
        if any(argument for key, argument in join.args.items() if key != "this"):
            relations, never_empty = _join(scope, join, relations, never_empty)
        else:
            done, all_never_empty = done + relations, all_never_empty and never_empty
            relations, never_empty = from_item(scope, join.this)
    return done + relations, all_never_empty and never_empty


def _join(scope: Scope, node: exp.Join, left: list[Relation], left_never_empty: bool) -> Joined:
    scope.note_unsupported(node, {"this", "side", "kind", "on", "using"})
    if node.kind not in ("", "INNER", "OUTER", "CROSS"):
        scope.unsupported = f"{node.kind} JOIN is not analysed"
    right, right_never_empty = from_item(scope, node.this)
    side, on = node.side, node.args.get("on")
    filters = {"": [*left, *right], "LEFT": right, "RIGHT": left}.get(side, [])
    merged = [
        _using(scope, name, side, left, right, filters)
        for name in map(folded, node.args.get("using") or [])
    ]
    natural = bool(node.args.get("method"))
    matches = on is None or (isinstance(on, exp.Boolean) and bool(on.this))
    matches_always = matches and not merged and not natural
    never_empty = {"LEFT": left_never_empty, "RIGHT": right_never_empty}.get(
        side, left_never_empty and right_never_empty and matches_always and not side
    )
    if on:
        scope.conditions.append((on, left + right))
    if on and not side:
        restrict(replace(scope, relations=left + right), on)
    scope.equalities += [Equality(pair, filters, left + right) for pair in equal_sides(on)]
    if side in ("LEFT", "FULL") and not (right_never_empty and matches_always):
        _fill_with_nulls(scope, right, f"the right side of a {side} JOIN")
    if side in ("RIGHT", "FULL") and not (left_never_empty and matches_always):
        _fill_with_nulls(scope, left, f"the left side of a {side} JOIN")
    scope.merged += merged
    return left + right, bool(never_empty)


def _using(
    scope: Scope,
    name: str,
    side: str,
    left: list[Relation],
    right: list[Relation],
    filters: list[Relation],
) -> Merged:
    """The column that USING merges from two."""
    left_value, right_value = scope.among(name, left), scope.among(name, right)
    covered = left + right
    if left_value is None or right_value is None:
        scope.unsupported = f"USING ({name}) names an unknown column"
        return Merged(name, covered, unproven(scope.unsupported), None)
    left_holders = [relation for relation in left if name in relation.columns]
    # After an outer join, the merged column may equal another one of the columns.
    if len(left_holders) == 1 or not (side or any(relation.matched for relation in left)):
        scope.equalities += [
            Equality((_named(name, holder), _named(name, left_holder)), filters, covered)
            for holder in right
            if name in holder.columns
            for left_holder in left_holders
        ]
    relation = scope.relation_of(name, right if side == "RIGHT" else left)
    if side == "FULL":
        both = left_value.never_null and right_value.never_null
        value = never_null("both sides are") if both else unproven("USING of a FULL JOIN")
        return Merged(name, covered, value, None)
    if side:
        return Merged(name, covered, left_value if side == "LEFT" else right_value, relation)
    reason = "an inner join's USING excludes NULL"
    for relations in (left, right):
        holders = [relation for relation in relations if name in relation.columns]
        if len(holders) == 1 and holders[0] is not scope.target:
            exclude_null(holders[0], name, reason)
    return Merged(name, covered, replace(left_value, never_null=True, reason=reason), relation)


def _named(column: str, relation: Relation) -> exp.Expr:
    return exp.column(column, relation.name, quoted=True)


def _fill_with_nulls(scope: Scope, relations: list[Relation], reason: str) -> None:
    """Note that an outer join may fill these relations with NULLs."""

    def nullable(value: Value, key: int = 0) -> Value:
        return replace(
            value,
            never_null=False,
            reason=reason,
            null_if_unmatched=value.null_if_unmatched | ({key} if key else frozenset()),
            only_null_if_unmatched=key
            if key and (value.never_null or value.only_null_if_unmatched == key)
            else 0,
        )

    for relation in relations:
        relation.matched = relation.matched or relation.columns
        relation.columns = {
            name: nullable(value, relation.key) for name, value in relation.columns.items()
        }
    scope.merged = [
        replace(merged, value=nullable(merged.value))
        if within(merged.covered, relations)
        else merged
        for merged in scope.merged
    ]


def table(scope: Scope, node: exp.Table, ctes: Ctes, *, written: bool = False) -> Joined:
    """The relation of a query of WITH, a table or a view; `written` if the statement changes it."""
    scope.note_unsupported(node, {"this", "alias", "db", "joins", "only", "sample"})
    name, schema = folded(node.this), folded(node.args.get("db"))
    if not schema and name in ctes:
        scope.statement.seen.add(id(node))
        return _add(scope, node, _apart(scope, _with_new_keys(ctes[name])), name)
    named = scope.statement.table(node)
    if named is None:
        return _add(scope, node, Result([]), name)
    if named.kind == "v" and not written:
        result = scope.statement.view(named)
    else:
        result = Result([(column, _column(named, column, written)) for column in named.columns])
    relations, never_empty = _add(scope, node, result, name)
    relations[0].table, owner = named, scope.statement.owner(named)
    if owner:  # `AS t (a, b)` renames the first columns
        names = [name for name, _ in renamed(result.items, node.args.get("alias"))]
        relations[0].owned_node = node
        relations[0].owner = names[list(named.columns).index(owner)]
    return relations, never_empty


def _with_new_keys(result: Result) -> Result:
    """The columns of a WITH query with new keys: each reference to it has its own rows."""
    keys: defaultdict[int, int] = defaultdict(new_key)
    return replace(
        result,
        items=[
            (
                name,
                replace(
                    value,
                    null_if_unmatched=frozenset(keys[key] for key in value.null_if_unmatched),
                    only_null_if_unmatched=keys[value.only_null_if_unmatched]
                    if value.only_null_if_unmatched
                    else 0,
                ),
            )
            for name, value in result.items
        ],
    )


def _column(table: Table, name: str, written: bool) -> Value:
    """The value of a table's column."""
    column, full_name = table.columns[name], f"{table.name}.{name}"
    if table.kind == "m":
        reason = f"materialized view `{table.name}`: its rows may predate NOT NULL"
    elif written and (table.kind == "v" or table.rules):
        reason = f"a rule or a trigger on `{table.name}` may return a different row"
    elif column.enforced:
        value = never_null(f"{full_name} is NOT NULL", column.type, null_free=column.null_free)
        return replace(value, origin=(table.name, name))
    elif column.declared:
        reason = f"{full_name} is declared NOT NULL, but that is not enforced for all its rows"
    else:
        reason = f"{full_name} is not declared NOT NULL"
    value = unproven(reason, column.type, null_free=column.null_free)
    return replace(value, origin=(table.name, name))


def _derived(scope: Scope, node: exp.Expr) -> Joined:
    """The relation of a subselect, VALUES, or a function."""
    inner = node.this if isinstance(node, exp.Lateral) else node
    propagate(scope, complete=False)  # LATERAL items see the relations before them
    if isinstance(inner, (exp.Subquery, exp.Values)):
        outer = scope if isinstance(node, exp.Lateral) else scope.outer
        result = scope.statement.query(inner, outer, scope.ctes)
    else:
        for query in outermost(inner):
            scope.query(query)
        result = Result(function_columns(scope, node))
    return _add(scope, node, _apart(scope, result))


def _apart(scope: Scope, result: Result) -> Result:
    return replace(result, items=apart(result.items)) if scope.statement.plain else result


def _add(scope: Scope, node: exp.Expr, result: Result, name: str = "") -> Joined:
    """Add a relation with these columns; those without a name make it incomplete."""
    alias = node.args.get("alias")
    items: Items = renamed(result.items, alias)
    alias_name = folded(alias.this) if isinstance(alias, exp.TableAlias) else ""
    columns = {column: as_text(value) for column, value in items if column}
    relation = Relation(
        alias_name or name or f"{id(node)}",
        columns,
        incomplete=len(columns) < len(items) or not items,
    )
    return [scope.add(relation)], result.never_empty
