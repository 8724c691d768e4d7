"""What every statement has to keep to, whatever the schema: the rules of the house."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dal.binding.query import Binding
from dal.binding.rows import Shape
from dal.check.describe import Database
from dal.check.findings import Finding
from dal.check.head import Head
from dal.check.owners import Unfiltered
from dal.check.tree import Tree, inner
from dal.check.volatile import volatile

ALL_USERS, ANY_ORDER = "All users", "Any order"
_REASONED = "with its reason, or take the line out"


def findings(
    connection: psycopg.Connection, bindings: Sequence[Binding], folder: Path
) -> list[Finding]:
    """What breaks a rule, by file and place.

    Nothing is run, and nothing changed: the schema is read, and parts of statements prepared.

    Parameters:
        connection: to a database that is migrated.
        bindings: the statements of the folder, with their stubs.
        folder: where the SQL files are.
    """
    database = Database(connection)
    found = [one for binding in bindings for one in _bound(binding, database)]
    bound = {binding.statement.path for binding in bindings}
    for path in sorted(set(folder.rglob("*.sql")) - bound):
        if path.parent == folder or path.parent == folder / "check":
            found += _purpose(path, Head.read(path))
        else:
            message = "no stub binds this file"
            found.append(Finding("orphan-file", path, None, message, "bind it, or delete it"))
    return sorted(found, key=lambda one: (str(one.path), one.offset or 0, one.rule))


def _bound(binding: Binding, database: Database) -> Iterator[Finding]:
    path = binding.statement.path
    tree, head = Tree(binding), Head.read(path)
    yield from _purpose(path, head)
    for label, says in (("Index", "which index serves it"), ("Locks", "what it locks")):
        line = head.line(label)
        if line is None or not line[0]:
            message = f"the head comment has no line `-- {label}: ...`, which says {says}"
            place = line[1] if line else 0
            yield tree.finding(
                "head-comment", place, message, f"add it; `-- {label}: none.` will do"
            )
    try:
        tree.root  # noqa: B018 - it is read here
    except SqlglotError as error:
        message = f"the statement can't be analysed: {str(error).splitlines()[0]}"
        yield tree.finding("not-analysed", None, message, "write it in another way")
        return
    yield from _stars(tree)
    yield from _optional_filters(tree)
    yield from _owners(tree, head, database)
    yield from _order(tree, head)
    yield from volatile(tree, database)


def _purpose(path: Path, head: Head) -> Iterator[Finding]:
    if not re.search(r"\w.*\.", head.parts()[""]):
        message = "the file does not open with a comment that says, in a sentence, what it answers"
        yield Finding(
            "head-comment", path, 0, message, "begin with `-- The last messages of ... .`"
        )


def _stars(tree: Tree) -> Iterator[Finding]:
    for node in tree.root.find_all(exp.Select, exp.Returning):
        for one in node.expressions:
            if one.is_star:
                yield tree.finding(
                    "star",
                    tree.place(one.find(exp.Star)),
                    "`*` changes with the schema, and a cached plan breaks with it",
                    "name the columns",
                )


def _optional_filters(tree: Tree) -> Iterator[Finding]:
    for place in tree.root.find_all(exp.Where, exp.Join, exp.Having):
        condition = place.args.get("on") if isinstance(place, exp.Join) else place.this
        for node in condition.walk(prune=_nested) if condition else ():
            filters: exp.Expr | None = None
            if isinstance(node, exp.Or):
                sides = (node.this, node.expression)
                filters = next((one for one in sides if _without_columns(one)), None)
            elif isinstance(node, exp.EQ):
                filters = next(
                    (one for one in (node.this, node.expression) if _itself(one, node)), None
                )
            if filters:
                yield tree.finding(
                    "optional-filter",
                    tree.place(filters),
                    "a filter that a parameter can switch off reads every row under a generic plan",
                    "write two files, or a sentinel that keeps the index condition, as in"
                    " messages/history.sql",
                )


def _nested(node: exp.Expr) -> bool:
    return isinstance(node, exp.Query)


def _without_columns(side: exp.Expr) -> bool:
    return side.find(exp.Parameter) is not None and side.find(exp.Column) is None


def _itself(side: exp.Expr, equality: exp.EQ) -> bool:
    """Whether it is `coalesce(:x, column)` in `coalesce(:x, column) = column`."""
    value = inner(side)
    other = inner(equality.expression if side is equality.this else equality.this)
    return (
        isinstance(value, exp.Coalesce)
        and isinstance(inner(value.this), exp.Parameter)
        and any(inner(one) == other for one in value.expressions)
    )


def _owners(tree: Tree, head: Head, database: Database) -> Iterator[Finding]:
    analysis = Unfiltered(tree.root, database)
    tables = analysis.tables
    waiver = head.line(ALL_USERS)
    needed = tables or analysis.unproven
    if waiver and not (waiver[0] and needed):
        wrong = "says nothing" if needed else "is not needed: every table is filtered by its owner"
        message = f"`-- {ALL_USERS}:` {wrong}"
        yield tree.finding("owner-filter", waiver[1], message, f"write it {_REASONED}")
    for table, owner in () if waiver else tables:
        yield tree.finding(
            "owner-filter",
            tree.place(table),
            f"nothing makes {owner} equal to an owner that the caller names",
            f"add {owner} = :user_id, or say `-- {ALL_USERS}: the reason.` in the head comment",
        )
    for part, reason in () if waiver else analysis.unproven:
        yield tree.finding(
            "not-proven",
            tree.source.loud[0].offset if part is tree.root else tree.place(part),
            f"whose rows it reads or changes is not proven: {reason}",
            f"write it in another way, or say `-- {ALL_USERS}: the reason.` in the head comment",
        )


def _order(tree: Tree, head: Head) -> Iterator[Finding]:
    listed = tree.binding.shape in (Shape.LIST, Shape.PAGES)
    missing = listed and not tree.root.args.get("order")
    waiver = head.line(ANY_ORDER)
    if waiver and not (waiver[0] and missing):
        wrong = "says nothing" if missing else "is not needed"
        message = f"`-- {ANY_ORDER}:` {wrong}"
        yield tree.finding("order", waiver[1], message, f"write it {_REASONED}")
    elif missing and not waiver:
        yield tree.finding(
            "order",
            tree.source.loud[0].offset,
            f"the stub returns {tree.binding.shape.value}, but the statement has no ORDER BY",
            f"add it at the end, or say `-- {ANY_ORDER}: the reason.` in the head comment",
        )
