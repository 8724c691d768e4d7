"""Reads names, brackets, conditions and calls in sqlglot's trees; all of the check uses it."""

from collections.abc import Iterator

from sqlglot import exp

from dal.source.identifiers import fold


def start(node: exp.Expr) -> int | None:
    """The position of a node in the sent text, or None if sqlglot does not know it."""
    return min((part.meta["start"] for part in node.walk() if "start" in part.meta), default=None)


def folded(node: object) -> str:
    """An identifier as PostgreSQL folds it; `""` for anything else."""
    if not isinstance(node, exp.Identifier):
        return ""
    return str(node.this) if node.args.get("quoted") else fold(str(node.this))


def bare(node: exp.Expr) -> exp.Expr:
    """An expression without the brackets around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def inner(node: exp.Expr) -> exp.Expr:
    """An expression without the brackets and casts around it."""
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return node


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that a condition joins with AND."""
    if isinstance(condition, exp.Paren | exp.Where | exp.Having):
        yield from conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from conjuncts(condition.this)
        yield from conjuncts(condition.expression)
    elif condition is not None:
        yield condition


def callee(node: exp.Expr | None) -> tuple[str, str] | None:
    """The schema and the name of a called function, or None for another node."""
    schema = ""
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Anonymous):
        if not isinstance(node.this, exp.Identifier):
            return None
        schema, node = folded(node.this), node.expression
    if type(node) is not exp.Anonymous:
        return None
    # sqlglot keeps an unquoted name as a string.
    return schema, folded(node.this) or fold(str(node.this))


def arguments(node: exp.Expr) -> list[exp.Expr]:
    """The arguments of a called function."""
    return list((node.expression if isinstance(node, exp.Dot) else node).expressions)


def qualified(schema: str, name: str) -> str:
    """The name of a table or a function in waivers."""
    return f"{schema}.{name}" if schema else name


def table_name(table: exp.Table) -> str:
    """The name of a table in waivers."""
    return qualified(folded(table.args.get("db")), folded(table.this))
