"""Arguments that may be None, and are written to a column that is NOT NULL."""

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import SqlglotError

from dal.binding.query import Binding
from dal.check import types
from dal.check.annotations import gives_none
from dal.check.describe import Database
from dal.check.findings import Finding
from dal.check.tree import Tree, conjuncts, folded, inner


def written(binding: Binding, database: Database) -> Iterator[Finding]:
    """The arguments that a statement writes as they are, of those that may be None.

    What it writes through anything else, such as coalesce() or CASE, is not looked at.
    """
    offered: dict[str, object] = {}
    for name, hint in binding.hints.items():
        offered |= types.parameters(name, hint)
    names = binding.statement.parameters
    alone = {f"{n}": name for n, name in enumerate(names, 1) if gives_none(offered[name])}
    items = {
        f"{n}": name for n, name in enumerate(names, 1) if gives_none(offered[name], items=True)
    }
    tree = Tree(binding)
    try:
        root = tree.root if alone or items else None
    except SqlglotError:  # which `rules` says
        return
    done = set()
    for write in root.find_all(exp.Insert, exp.Update, exp.OnConflict) if root else ():
        target = _target(write)
        for column, value in _assigned(write, target, database):
            number, is_item = _parameter(value)
            name = (items if is_item else alone).get(number, "")
            key = (name, column)
            if name and _not_null(target, database).get(column) and key not in done:
                done.add(key)
                yield tree.finding(
                    "nullable",
                    tree.source.parameter(name),
                    f":{name} may be None, and is written to {target.name}.{column}, which is NOT"
                    " NULL",
                    "annotate it without None, or give the column a value, as coalesce() does",
                )


def _target(write: exp.Expr) -> exp.Table:
    """The table that is written to."""
    node: exp.Expr = write
    while not isinstance(node.this, exp.Table | exp.Schema) and node.parent:
        node = node.parent  # from ON CONFLICT or WHEN to the INSERT or MERGE
    table = node.this.this if isinstance(node.this, exp.Schema) else node.this
    return table if isinstance(table, exp.Table) else exp.Table()


def _not_null(target: exp.Table, database: Database) -> Mapping[str, bool]:
    """The columns of a table, and whether they are NOT NULL."""
    name, schema = folded(target.this), folded(target.args.get("db"))
    if not schema:
        return database.columns.get(name, {})
    columns = database.everywhere.get((schema, name), [])
    return {column: (schema, name, column) in database.not_null for column in columns}


def _assigned(
    write: exp.Expr, target: exp.Table, database: Database
) -> Iterator[tuple[str, exp.Expr]]:
    """Columns, and the values that are written to them."""
    pairs = [(one.this, one.expression) for one in write.expressions if isinstance(one, exp.EQ)]
    if isinstance(write, exp.Insert):
        pairs = [(write.this, write.expression)] if write.expression else []
    for columns, source in pairs:
        several = isinstance(columns, exp.Tuple | exp.Schema)
        named = columns.expressions if several else [columns]
        names = [folded(one.this if isinstance(one, exp.Column) else one) for one in named]
        if isinstance(columns, exp.Table):
            names = list(_not_null(target, database))
        for row in _rows(source) if len(names) > 1 or isinstance(write, exp.Insert) else [[source]]:
            yield from zip(names, row, strict=False)


def _rows(source: exp.Expr) -> Iterator[Sequence[exp.Expr]]:
    """The values of each row that a source has."""
    if isinstance(source, exp.Values):
        for one in source.expressions:
            yield one.expressions
    elif isinstance(source, exp.SetOperation):
        yield from _rows(source.this)
        yield from _rows(source.expression)
    elif isinstance(source, exp.Subquery | exp.Paren):
        yield from _rows(source.this)
    else:  # a SELECT, a row, or ROW (...)
        yield [one.unalias() for one in source.expressions]


def _parameter(value: exp.Expr) -> tuple[str, bool]:
    """The number of the parameter whose value or whose item it is, and whether it is an item."""
    value = inner(value)
    scope = value.find_ancestor(exp.Select, exp.Update, exp.OnConflict, exp.Insert)
    conditions = conjuncts(scope.args.get("where")) if scope else ()
    if any(_excludes_null(one, value) for one in conditions):
        return "", False
    if isinstance(value, exp.Parameter):
        return value.name, False
    if isinstance(value, exp.Column) and isinstance(scope, exp.Select):
        first = scope.args.get("from_")
        for source in [first, *scope.args.get("joins", ())] if first else ():
            alias = folded(source.this.args.get("alias") and source.this.args["alias"].this)
            if folded(value.args.get("table")) in ("", alias or folded(source.this.this)):
                return _of_source(source.this, folded(value.this))
    return "", False


def _of_source(source: exp.Expr, column: str) -> tuple[str, bool]:
    """As `_parameter`, of a column of what stands in FROM."""
    alias = source.args.get("alias")
    renamed = [folded(one) for one in alias.columns] if alias else []
    if isinstance(source, exp.Unnest):
        items = dict(
            zip(renamed or [folded(alias and alias.this)], source.expressions, strict=False)
        )
        array = inner(items[column]) if column in items else None
        return (array.name, True) if isinstance(array, exp.Parameter) else ("", False)
    query = source.this if isinstance(source, exp.Subquery) else _cte(source)
    for row in [query.expressions] if isinstance(query, exp.Select) else ():
        names = renamed or [folded(one.args.get("alias") or inner(one).this) for one in row]
        if column in names[: len(row)]:
            return _parameter(row[names.index(column)].unalias())
    return "", False


def _cte(table: exp.Expr) -> exp.Expr | None:
    """The query of WITH that a name in FROM stands for; one that begins later is another's."""
    scope, within = table.parent, table
    while scope:
        for one in scope.args["with_"].expressions if scope.args.get("with_") else ():
            if one is within:
                break
            if folded(one.args["alias"].this) == folded(table.this):
                query: exp.Expr = one.this
                return query
        within = scope if isinstance(scope, exp.CTE) else within
        scope = scope.parent
    return None


def _excludes_null(condition: exp.Expr, value: exp.Expr) -> bool:
    test = condition.this if isinstance(condition, exp.Not) else condition
    negated = isinstance(condition, exp.Not) or condition.args.get("negate")
    is_null = isinstance(test, exp.Is) and isinstance(test.expression, exp.Null)
    return bool(is_null and negated and inner(test.this) == value)
