"""`*` in a select list."""

from collections.abc import Iterator

from sqlglot import exp

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.tree import folded


def stars(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """`*` in a select list or RETURNING whose columns change with the schema.

    The columns of a CTE or a subselect may be taken whole: the statement names them itself.
    """
    for node in statement.tree.find_all(exp.Select, exp.Returning):
        for item in node.expressions:
            if item.is_star and not _of_subqueries(item, node):
                yield statement.finding(
                    "star",
                    statement.offset_of(item.find(exp.Star)),
                    "the columns of `*` change with the schema, which breaks cached plans",
                    "name the columns",
                )


def _of_subqueries(star: exp.Expr, node: exp.Expr) -> bool:
    if isinstance(star, exp.Dot) or not isinstance(node, exp.Select):  # `(t).*`
        return False
    from_ = node.args.get("from_")
    joined = [from_, *(node.args.get("joins") or [])] if from_ else []
    qualifier = folded(star.args.get("table"))
    sources = [part.this for part in joined if qualifier in ("", _alias(part.this))]
    ctes = set(_ctes(node))
    return bool(sources) and all(_is_subquery(source, ctes) for source in sources)


def _alias(source: exp.Expr) -> str:
    alias = source.args.get("alias")
    return folded(alias.this if alias else source.this)


def _is_subquery(source: exp.Expr, ctes: set[str]) -> bool:
    if isinstance(source, exp.Table):
        return not source.args.get("db") and folded(source.this) in ctes
    if isinstance(source, exp.Lateral):
        source = source.this
    # Brackets around a join are a Subquery, too.
    return isinstance(source, exp.Subquery) and isinstance(source.this, exp.Query)


def _ctes(node: exp.Expr) -> Iterator[str]:
    """The names of the CTEs that a query can see."""
    child, parent = node, node.parent
    with_ = node.args.get("with_")
    if with_:
        yield from map(_name, with_.expressions)
    while parent:
        if isinstance(parent, exp.With):
            # A CTE sees those before it; its own name is a table's unless it is recursive.
            last = None if parent.args.get("recursive") else child.index
            yield from map(_name, parent.expressions[:last])
        elif (with_ := parent.args.get("with_")) and with_ is not child:
            yield from map(_name, with_.expressions)
        child, parent = parent, parent.parent


def _name(cte: exp.Expr) -> str:
    return folded(cte.args["alias"].this)
