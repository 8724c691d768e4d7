"""FROM: what stands there, and how joins put it together."""

from dataclasses import replace

from sqlglot import exp

from dal.check.nullability.conditions import exclude_null, restrict
from dal.check.nullability.scope import Queries, Relation, Rows, Scope
from dal.check.nullability.syntax import Unclear, check_arguments, renamed
from dal.check.nullability.values import (
    Facts,
    Items,
    Nullability,
    Value,
    not_null,
    nullable,
    unknown,
)
from dal.check.tree import folded


def from_item(scope: Scope, node: exp.Expr) -> tuple[set[str], Rows]:
    """What stands at one place of FROM, with the joins that sqlglot hangs on it."""
    inner = node.this
    if isinstance(node, exp.Subquery) and (
        isinstance(inner, exp.Table)
        or (isinstance(inner, exp.Subquery) and (inner.alias or inner.args.get("joins")))
    ):
        if node.alias:
            raise Unclear("a join with an alias is not analysed")
        found = from_item(scope, inner)
    elif isinstance(node, exp.Table) and isinstance(inner, exp.Identifier):
        found = table(scope, node, scope.queries)
    else:
        found = _derived(scope, node)
    return chain(scope, node.args.get("joins") or [], *found)


def chain(
    scope: Scope, nodes: list[exp.Join], aliases: set[str], rows: Rows
) -> tuple[set[str], Rows]:
    """A chain of joins; a comma binds less than JOIN."""
    done: set[str] = set()
    before = Rows(True)
    for node in nodes:
        if not any(argument for key, argument in node.args.items() if key != "this"):
            done, before = done | aliases, before & rows
            aliases, rows = from_item(scope, node.this)
        else:
            aliases, rows = _join(scope, node, aliases, rows)
    return done | aliases, before & rows


def _join(scope: Scope, node: exp.Join, left: set[str], before: Rows) -> tuple[set[str], Rows]:
    check_arguments(node, {"this", "side", "kind", "on", "using"})
    if node.kind not in ("", "INNER", "OUTER", "CROSS"):
        raise Unclear(f"{node.kind} JOIN is not analysed")
    right, after = from_item(scope, node.this)
    on, fact = node.args.get("on"), ("join", id(node))
    merged = []
    for name in map(folded, node.args.get("using") or []):
        one, other = scope.side(name, left), scope.side(name, right)
        if one is None or other is None:
            raise Unclear(f"USING ({name}) names an unknown column")
        merged.append((name, _using(scope, name, node.side, one, other, left, right)))
    always = not merged and (on is None or (isinstance(on, exp.Boolean) and bool(on.this)))
    rows = before & after
    if node.side == "LEFT":
        rows = before
    elif node.side == "RIGHT":
        rows = after
    elif node.side == "FULL":
        rows = Rows(None, rows.empty)
    elif not always:
        rows = rows.filtered()
    if on and not node.side:
        restrict(scope, on)
    if node.side in ("LEFT", "FULL"):
        _extend(scope, right, after, fact, f"the right side of a {node.side} JOIN", always)
    if node.side in ("RIGHT", "FULL"):
        _extend(scope, left, before, fact, f"the left side of a {node.side} JOIN", always)
    scope.merged += [(name, left | right, one) for name, one in merged]
    return left | right, rows


def _using(
    scope: Scope, name: str, side: str, one: Value, other: Value, left: set[str], right: set[str]
) -> Value:
    """The one column that USING makes of two."""
    depends = one.depends | other.depends
    if side == "FULL":
        both = {one.nullability, other.nullability} == {Nullability.NOT_NULL}
        kept = not_null("both sides are") if both else unknown("USING of a FULL JOIN")
        return replace(kept, depends=depends)
    if side:
        return replace(one if side == "LEFT" else other, depends=depends)
    scope.touched |= depends
    for aliases in (left, right):
        holders = [alias for alias in aliases if name in scope.relations[alias].columns]
        if len(holders) == 1 and holders[0] != scope.target:
            exclude_null(scope, holders[0], name, "an inner join's USING excludes NULL")
    return replace(
        not_null("an inner join's USING excludes NULL"), origin=one.origin, depends=depends
    )


def _extend(
    scope: Scope, aliases: set[str], rows: Rows, fact: tuple[str, object], reason: str, always: bool
) -> None:
    """The rows of NULLs that an outer join makes where nothing matches."""
    if rows.certain and always:
        return
    facts = rows.empty | {fact}
    made = nullable(reason, facts) if rows.certain is False else unknown(reason)

    def extended(one: Value) -> Value:
        return replace(made, origin=one.origin, depends=one.depends | facts)

    for alias in aliases:
        relation = scope.relations[alias]
        relation.columns = {name: extended(one) for name, one in relation.columns.items()}
    scope.merged = [
        (name, covered, extended(one) if covered <= aliases else one)
        for name, covered, one in scope.merged
    ]


def table(scope: Scope, node: exp.Table, queries: Queries) -> tuple[set[str], Rows]:
    """A query of WITH, a table, or a view."""
    check_arguments(node, {"this", "alias", "db", "joins", "only", "sample"})
    name, schema = folded(node.this), folded(node.args.get("db"))
    if not schema and name in queries:
        return _add(scope, node, queries[name].items, queries[name].rows, name)
    alias = node.args.get("alias")
    full = f"{schema}.{name}" if schema not in ("", "public") else name
    declared = scope.statement.schema.get(full, {})
    view = full in scope.statement.views
    items = []
    for column, always in declared.items():
        fact: Facts = frozenset({("column", (id(node), column))})
        one = not_null(f"{full}.{column} is NOT NULL")
        if view:
            one = unknown(f"view `{full}`: PostgreSQL does not say")
        elif not always:
            one = nullable(f"{full}.{column} is not declared NOT NULL", fact)
        items.append((column, replace(one, origin=(full, column), depends=fact)))
    rows: Facts = frozenset({("rows", name)})
    if isinstance(alias, exp.TableAlias) and alias.args.get("columns"):
        items = []  # a mapping does not promise the columns' order
    known_table = declared and not view
    return _add(scope, node, items, Rows(False if known_table else None, rows, rows), name)


def _derived(scope: Scope, node: exp.Expr) -> tuple[set[str], Rows]:
    """A subselect, VALUES, or a function."""
    inner = node.this if isinstance(node, exp.Lateral) else node
    if isinstance(node, (exp.Lateral, exp.Table, exp.Unnest)):
        for column in node.find_all(exp.Column):
            scope.touched |= scope.told(column)
    if isinstance(inner, (exp.Subquery, exp.Values)):
        outer = scope if isinstance(node, exp.Lateral) else scope.outer
        found = scope.statement.query(inner, outer, scope.queries)
        return _add(scope, node, found.items, found.rows)
    alias = node.args.get("alias")
    names = alias.args.get("columns") or [] if isinstance(alias, exp.TableAlias) else []
    fact = frozenset({("function", id(node))})
    row = replace(unknown("a function's row"), depends=fact)
    items = [(folded(name), row) for name in names]
    offset = inner.args.get("offset") if isinstance(inner, exp.Unnest) else None
    if isinstance(offset, exp.Identifier) and len(names) == len(inner.expressions):
        plain = all(_of_scalars(one) for one in inner.expressions)
        last = replace(not_null("a row number"), depends=fact) if plain else row
        items.append((folded(offset), last))
    return _add(scope, node, items, Rows())


def _add(
    scope: Scope, node: exp.Expr, items: Items, rows: Rows, name: str = ""
) -> tuple[set[str], Rows]:
    """A relation with these columns; one without a name has columns that are not known."""
    alias = node.args.get("alias")
    items = renamed(items, alias)
    given = folded(alias.this) if isinstance(alias, exp.TableAlias) else ""
    key = given or name or f"{id(node)}"
    if key in scope.relations:
        raise Unclear(f"two relations are called {key}")
    columns = {column: one for column, one in items if column}
    scope.relations[key] = Relation(columns, open=len(columns) < len(items) or not items)
    return {key}, rows


def _of_scalars(node: exp.Expr) -> bool:
    """Whether an array certainly holds no rows, of which unnest() would make several columns."""
    if not isinstance(node, exp.Cast) or node.to.this is not exp.DType.ARRAY:
        return False
    return all(one.this is not exp.DType.USERDEFINED for one in node.to.expressions)
