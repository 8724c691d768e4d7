"""Reading sqlglot's tree: names, and what stands where."""

from collections.abc import Iterable, Iterator

from sqlglot import exp

from dal.check.nullability.values import Items
from dal.check.tree import folded


class Unclear(Exception):  # noqa: N818
    """Part of a statement whose meaning for the whole is not analysed."""


def item_name(node: exp.Expr) -> str:
    """The name of a select list's column, or `""` where PostgreSQL chooses it."""
    if isinstance(node, exp.Alias):
        return folded(node.args["alias"])
    while isinstance(node, (exp.Cast, exp.Paren)):
        node = node.this
    return folded(node.this) if isinstance(node, exp.Column) else ""


def item_names(root: exp.Expr) -> list[str]:
    """The names of a query's columns, or of RETURNING's."""
    if returning := root.args.get("returning"):
        return [item_name(item) for item in returning.expressions]
    while isinstance(root, (exp.SetOperation, exp.Subquery)):
        root = root.this
    if isinstance(root, exp.Values):
        return [f"column{place}" for place, _ in enumerate(root.expressions[0].expressions, 1)]
    return [item_name(item) for item in root.expressions] if isinstance(root, exp.Select) else []


def own(node: exp.Expr, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
    """The nodes of a kind that no subselect holds."""
    for one in node.walk(prune=lambda inner: isinstance(inner, exp.Query)):
        if isinstance(one, kind):
            yield one


def aggregates_in(nodes: Iterable[exp.Expr]) -> Iterator[exp.Expr]:
    """The aggregates, those apart that are window functions."""
    for node in nodes:
        for one in own(node, exp.AggFunc):
            holder = one.parent.parent if isinstance(one.parent, exp.Filter) else one.parent
            if not isinstance(holder, exp.Window) or holder.this not in (one, one.parent):
                yield one


def check_arguments(node: exp.Expr, understood: set[str]) -> None:
    """Refuses a node that has more to it than what is understood.

    Raises:
        Unclear: it has.
    """
    for key, argument in node.args.items():
        if argument and key not in understood:
            raise Unclear(f"{key.strip('_').upper()} is not analysed")


def renamed(items: Items, alias: object) -> Items:
    """Columns as `AS t (a, b)` names them: the first ones, or all."""
    columns = alias.args.get("columns") or [] if isinstance(alias, exp.TableAlias) else []
    names = [folded(column) for column in columns]
    return [
        (names[place] if place < len(names) else name, one)
        for place, (name, one) in enumerate(items)
    ]
