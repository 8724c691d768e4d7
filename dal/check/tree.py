"""Parts of a syntax tree, as sqlglot reads it."""

from collections.abc import Iterator

from sqlglot import exp


def start(node: exp.Expr) -> int | None:
    """Where in the text that is sent a part begins, as far as sqlglot says."""
    return min((part.meta["start"] for part in node.walk() if "start" in part.meta), default=None)


def folded(node: object) -> str:
    """An identifier as PostgreSQL folds it; `""` for what is none."""
    if not isinstance(node, exp.Identifier):
        return ""
    return str(node.this) if node.args.get("quoted") else str(node.this).lower()


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
    """The conditions that all have to hold."""
    if isinstance(condition, exp.Paren | exp.Where | exp.Having):
        yield from conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from conjuncts(condition.this)
        yield from conjuncts(condition.expression)
    elif condition is not None:
        yield condition


def table_name(node: exp.Expr) -> str | None:
    """The name of a table, as a waiver gives it; None for what is none."""
    if not isinstance(node, exp.Table):
        return None
    return ".".join(filter(None, (folded(node.args.get("db")), folded(node.this)))) or None


def function_name(node: exp.Expr) -> str | None:
    """The name of a function that is called, as a waiver gives it; None for what is no call."""
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Anonymous):
        return f"{folded(node.this)}.{node.expression.name.lower()}"
    return node.name.lower() if isinstance(node, exp.Anonymous) else None
