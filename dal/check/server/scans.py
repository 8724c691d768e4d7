"""The scans of a plan: how it reads each table."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Node: TypeAlias = dict[str, Any]

ASIDE = ("InitPlan", "SubPlan")
"""The relationships to a parent of steps that are run separately."""

Join: TypeAlias = tuple[str, int]
"""A join's condition, and the rows that the planner expects on its other side."""

_JOINS = ("Hash Cond", "Merge Cond", "Join Filter")
_STRING = re.compile(r"'(?:[^']|'')*'")


@dataclass(frozen=True, slots=True)
class Scan:
    """How a table is read.

    Attributes:
        step: `Seq Scan`, `Index Scan`, `Bitmap Heap Scan` and so on.
        table: the table's name.
        alias: its alias in the statement.
        indexes: the indexes that are used, each with its condition, or "" without one.
        fixed: the columns that these conditions compare for equality, perhaps with one of many.
        picked: the columns that only a filter compares for equality.
        joined: the columns that only a join above the scan compares for equality.
        rows: the number of rows that the planner expects.
        partners: the number of rows that the planner expects the scan to be joined with; 0 without
            a join.
    """

    step: str
    table: str
    alias: str
    indexes: tuple[tuple[str, str], ...]
    fixed: frozenset[str]
    picked: frozenset[str] = field(compare=False)
    joined: frozenset[str] = field(compare=False)
    rows: int = field(compare=False)
    partners: int = field(compare=False)

    def __str__(self) -> str:
        using = f" using {' and '.join(name for name, _ in self.indexes)}" if self.indexes else ""
        return f"{self.step}{using} on {self.table}"


def walk(node: Node, *, aside: bool = True) -> Iterator[Node]:
    """A step and those below it, with or without those that are run separately."""
    yield node
    for child in node.get("Plans", ()):
        if aside or child["Parent Relationship"] not in ASIDE:
            yield from walk(child, aside=aside)


def inputs(node: Node) -> list[Node]:
    """The steps whose rows a step reads."""
    return [step for step in node.get("Plans", ()) if step["Parent Relationship"] not in ASIDE]


def reads_table(node: Node) -> bool:
    """Whether a step itself reads a table."""
    return "Relation Name" in node and node["Node Type"] != "ModifyTable"


def scans(node: Node, joins: tuple[Join, ...] = ()) -> Iterator[Scan]:
    """The scans below a step; `joins` are those above it."""
    if reads_table(node):
        yield scan(node, joins)
    conditions = [node[kind] for kind in _JOINS if kind in node]
    sides = inputs(node)
    for child in node.get("Plans", ()):
        if child["Parent Relationship"] in ASIDE:
            yield from scans(child)
            continue
        others = sum(side["Plan Rows"] for side in sides if side is not child)
        yield from scans(child, (*joins, *((condition, others) for condition in conditions)))


def scan(node: Node, joins: tuple[Join, ...] = ()) -> Scan:
    """How a step reads its table; `joins` are those above it."""
    # The indexes of a bitmap heap scan are in steps below it.
    index_steps = [step for step in walk(node, aside=False) if "Index Name" in step]
    indexes = tuple((step["Index Name"], step.get("Index Cond", "")) for step in index_steps)
    equated = [
        (_equated(condition, rf"{node['Alias']}\."), partners) for condition, partners in joins
    ]
    return Scan(
        node["Node Type"],
        node["Relation Name"],
        node["Alias"],
        indexes,
        fixed=frozenset().union(*(_equated(condition) for _, condition in indexes)),
        picked=frozenset(_equated(node.get("Filter", ""))),
        joined=frozenset().union(*(columns for columns, _ in equated)),
        rows=node["Plan Rows"],
        partners=min((partners for columns, partners in equated if columns), default=0),
    )


def _equated(condition: str, prefix: str = "") -> set[str]:
    """The columns that a condition compares for equality, perhaps with one of many values.

    Parameters:
        condition: the condition in EXPLAIN's words.
        prefix: a pattern for what precedes these columns, and no others.
    """
    text = _STRING.sub("''", condition)
    if " OR " in text or "NOT " in text:  # then an equality need not hold
        return set()
    column = rf"\(?{prefix}((?!true\b|false\b)[a-zA-Z_]\w*)\)?(?:::[\w ]+)?"
    return {*re.findall(rf"\({column} = ", text), *re.findall(rf" = {column}\)", text)}
