"""The plans that PostgreSQL chooses for statements."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql

from dal.binding.statement import Statement
from dal.check.server.scans import ASIDE, Node, Scan, inputs, reads_table, scan, scans, walk

_GENERIC = "SET LOCAL plan_cache_mode = force_generic_plan"
_CUSTOM = "SET LOCAL plan_cache_mode = force_custom_plan"
_PLAIN = "EXPLAIN (FORMAT JSON)"
_ANALYZE = "EXPLAIN (FORMAT JSON, ANALYZE, BUFFERS, TIMING OFF)"
_TEXT = "EXPLAIN (ANALYZE, BUFFERS)"

# The plan of a statement that a rule replaces with DO INSTEAD NOTHING.
_NOTHING: Node = {"Node Type": "Result"}
# Steps that do not matter to a reader, and that differ between versions.
_OMITTED = {"Result", "Subquery Scan", "Hash", "Materialize", "Memoize", "Gather", "Gather Merge"}


@dataclass(frozen=True)
class Plan:
    """A plan, as `EXPLAIN (FORMAT JSON)` gives it."""

    root: Node

    @cached_property
    def nodes(self) -> list[Node]:
        """Its steps."""
        return list(walk(self.root))

    @cached_property
    def scans(self) -> list[Scan]:
        """The scans of tables, one for each mention."""
        return list(scans(self.root))

    @property
    def indexes(self) -> set[str]:
        """The indexes that it uses."""
        return {name for scan in self.scans for name, _ in scan.indexes}

    @property
    def tables(self) -> set[str]:
        """The tables that are read."""
        return {scan.table for scan in self.scans}

    @property
    def shards(self) -> int:
        """The most shards of distributed tables (Citus) that a part is sent to; 0 without any."""
        return max(_task_counts(self.root), default=0)

    @property
    def sorted(self) -> list[tuple[Scan, frozenset[str]]]:
        """The scans whose rows are sorted, except those reduced by a LIMIT or an aggregate.

        Each with the columns by which its rows were in order before, so that only rows that agree
        in them are sorted.
        """
        sorts = [node for node in self.nodes if node["Node Type"].endswith("Sort")]
        return list(
            dict.fromkeys(
                (scan, _in_order(node, scan.alias))
                for node in sorts
                for scan in self._feeding(node)
            )
        )

    @property
    def shape(self) -> str:
        """The steps in words, the same on all versions of PostgreSQL that choose the same plan.

        Parts that are run separately (CTEs, subselects) come first; those that neither read nor
        write a table are left out.
        """
        parts = [("", self.root)]
        parts += [
            (re.sub(r"^CTE |(Init|Sub)Plan .*", "", node["Subplan Name"]), node)
            for node in self.nodes
            if node.get("Parent Relationship") in ASIDE
        ]
        parts_in_words = [
            f"{name}: {_step_in_words(node)}" if name else _step_in_words(node)
            for name, node in [*parts[1:], parts[0]]
            if any("Relation Name" in step for step in walk(node, aside=False))
        ]
        return "; ".join(parts_in_words)

    def _feeding(self, node: Node) -> Iterator[Scan]:
        if node["Node Type"] == "Limit" or node.get("Strategy") == "Plain":
            return
        if reads_table(node):
            yield scan(node)
        elif node["Node Type"] == "CTE Scan":
            for step in self.nodes:
                if step.get("Subplan Name") == f"CTE {node['CTE Name']}":
                    yield from self._feeding(step)
        else:
            for child in inputs(node):
                yield from self._feeding(child)


def generic_plan(connection: psycopg.Connection, statement: Statement) -> Plan:
    """The plan that serves any values, and that a connection keeps after five executions.

    Raises:
        psycopg.Error: the statement does not fit the schema, or the role may not run it.
    """
    return _explain(connection, statement, _GENERIC, [None] * len(statement.parameters))


def custom_plan(
    connection: psycopg.Connection, statement: Statement, values: Sequence[Any]
) -> Plan:
    """The plan for these values of `$1`, `$2`, ...

    Raises:
        psycopg.Error: as `generic_plan`; or a value is of the wrong type.
    """
    return _explain(connection, statement, _CUSTOM, values)


def explained_plan(
    connection: psycopg.Connection,
    statement: Statement,
    values: Sequence[Any],
    *,
    generic: bool,
    run: bool = True,
) -> Plan:
    """A plan with its actual rows and pages.

    Parameters:
        connection: to a database.
        statement: what to explain.
        values: the values of `$1`, `$2`, ...
        generic: whether it is the generic plan, or the one for these values.
        run: whether the statement is run, and rolled back; else the plan has estimates alone.

    Raises:
        psycopg.Error: as `custom_plan`; or the statement fails.
    """
    explain = _ANALYZE if run else _PLAIN
    return _explain(connection, statement, _GENERIC if generic else _CUSTOM, values, explain)


def explain_text(
    connection: psycopg.Connection,
    statement: Statement,
    values: Sequence[Any],
    *,
    generic: bool,
    run: bool = True,
) -> str:
    """The same as `explained_plan`, as PostgreSQL's text."""
    mode, explain = _GENERIC if generic else _CUSTOM, _TEXT if run else "EXPLAIN"
    return "\n".join(line for (line,) in _rows(connection, statement, mode, values, explain))


def _explain(
    connection: psycopg.Connection,
    statement: Statement,
    mode: str,
    values: Sequence[Any],
    explain: str = _PLAIN,
) -> Plan:
    [(plans,)] = _rows(connection, statement, mode, values, explain)
    return Plan(plans[0]["Plan"] if plans else _NOTHING)


def _rows(
    connection: psycopg.Connection,
    statement: Statement,
    mode: str,
    values: Sequence[Any],
    explain: str,
) -> list[Any]:
    arguments = ", ".join(sql.Literal(value).as_string(connection) for value in values)
    execute = f"{explain} EXECUTE dal_plan" + (f" ({arguments})" if values else "")
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(mode.encode())
            # psycopg sends bytes without parameters unchanged.
            connection.execute(b"PREPARE dal_plan AS " + statement.text.encode())
            return connection.execute(execute.encode(), prepare=False).fetchall()
    finally:
        # A rollback does not undo PREPARE, and a failed transaction would refuse this.
        connection.execute("DEALLOCATE ALL")


def _task_counts(part: Any) -> Iterator[int]:
    """The task counts of Citus' steps, which have plans in other places than PostgreSQL's."""
    if isinstance(part, dict):
        if "Task Count" in part:
            yield part["Task Count"]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from _task_counts(inner)


def _in_order(sort: Node, alias: str) -> frozenset[str]:
    """The columns of a table by which an incremental sort finds its rows in order."""
    # Where a plan reads one table only, its alias is left out.
    column = re.compile(rf"(?:{re.escape(alias)}\.)?(\w+)(?: DESC)?(?: NULLS \w+)?")
    matches = map(column.fullmatch, sort.get("Presorted Key", ()))
    return frozenset(match[1] for match in matches if match)


def _step_in_words(node: Node) -> str:
    if reads_table(node):
        return str(scan(node))
    step = node["Node Type"]
    if step == "ModifyTable":
        step = f"{node['Operation']} on {node['Relation Name']}"
    elif step in ("CTE Scan", "Function Scan"):
        step = f"{step} on {node.get('CTE Name') or node['Alias']}"
    inner = [words for words in map(_step_in_words, inputs(node)) if words]
    if node["Node Type"] in _OMITTED:
        return inner[0] if inner else ""
    if len(inner) > 1:
        return f"{step} ({', '.join(inner)})"
    return " > ".join([step, *inner])
