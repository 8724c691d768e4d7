"""How a plan reads each table."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Node: TypeAlias = dict[str, Any]

ASIDE = ("InitPlan", "SubPlan")
"""What relates a step that is run by itself to the one above it."""

_JOINS = ("Hash Cond", "Merge Cond", "Join Filter")
_STRING = re.compile(r"'(?:[^']|'')*'")


@dataclass(frozen=True, slots=True)
class Scan:
    """How one table is read.

    Attributes:
        step: `Seq Scan`, `Index Scan`, `Bitmap Heap Scan` and so on.
        table: its name.
        alias: what the statement calls it.
        indexes: those that are used, each with its condition, or "" where it has none.
        fixed: the columns that these conditions want equal to something, or to one of many.
        picked: those of which only a filter wants that, or a join around the scan.
        rows: how many rows the planner expects of it.
    """

    step: str
    table: str
    alias: str
    indexes: tuple[tuple[str, str], ...]
    fixed: frozenset[str]
    picked: frozenset[str] = field(compare=False)
    rows: int = field(compare=False)

    def __str__(self) -> str:
        using = f" using {' and '.join(name for name, _ in self.indexes)}" if self.indexes else ""
        return f"{self.step}{using} on {self.table}"


def walk(node: Node, *, aside: bool = True) -> Iterator[Node]:
    """A step and those below it, with or without those that are run by themselves."""
    yield node
    for child in node.get("Plans", ()):
        if aside or child["Parent Relationship"] not in ASIDE:
            yield from walk(child, aside=aside)


def inputs(node: Node) -> list[Node]:
    """The steps whose rows a step takes."""
    return [step for step in node.get("Plans", ()) if step["Parent Relationship"] not in ASIDE]


def reads_table(node: Node) -> bool:
    """Whether a step reads a table by itself."""
    return "Relation Name" in node and node["Node Type"] != "ModifyTable"


def scans(node: Node, joins: tuple[str, ...] = ()) -> Iterator[Scan]:
    """The scans below a step, within joins by these conditions."""
    if reads_table(node):
        yield scan(node, joins)
    joins += tuple(node[kind] for kind in _JOINS if kind in node)
    for child in node.get("Plans", ()):
        yield from scans(child, () if child["Parent Relationship"] in ASIDE else joins)


def scan(node: Node, joins: tuple[str, ...] = ()) -> Scan:
    """How a step reads its table, within joins by these conditions."""
    # A bitmap heap scan has its indexes below it.
    below = [step for step in walk(node, aside=False) if "Index Name" in step]
    indexes = tuple((step["Index Name"], step.get("Index Cond", "")) for step in below)
    return Scan(
        node["Node Type"],
        node["Relation Name"],
        node["Alias"],
        indexes,
        frozenset().union(*(_equated(condition) for _, condition in indexes)),
        frozenset().union(
            _equated(node.get("Filter", "")),
            *(_equated(condition, rf"{node['Alias']}\.") for condition in joins),
        ),
        node["Plan Rows"],
    )


def _equated(condition: str, prefix: str = "") -> set[str]:
    """The columns that a condition wants equal to something, or to one of many.

    Parameters:
        condition: as EXPLAIN writes it.
        prefix: what stands before the columns that are meant, and before no others.
    """
    text = _STRING.sub("''", condition)
    if " OR " in text or "NOT " in text:  # then an equality need not hold
        return set()
    column = rf"\(?{prefix}((?!true\b|false\b)[a-zA-Z_]\w*)\)?(?:::[\w ]+)?"
    return {*re.findall(rf"\({column} = ", text), *re.findall(rf" = {column}\)", text)}
