"""Plans whose cost grows with the data: no index serves them, or not for all values."""

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import TypeAlias

import psycopg
from sqlglot import exp

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.server.explain import Plan, custom_plan
from dal.check.server.scans import Scan
from dal.check.statement import BoundStatement
from dal.check.tree import table_name
from dal.source.identifiers import fold
from dal.source.text import Source

PlanIssue: TypeAlias = tuple[str, Scan, str]
"""A rule, the scan that violates it, and a message."""

FEW_ROWS = 100
"""The most rows, by the planner's estimate, that may be sorted without an index."""

HELP = {
    "seq-scan": "write conditions on bare columns that an index begins with, and none that a"
    " parameter switches off",
    "unbounded-index-scan": "write conditions on the columns that an index begins with",
    "key-lookup": "compare every column of the key with a parameter; if the planner still takes the"
    " other index, also select a column that it does not contain",
    "sort": "add an index on the filtered columns followed by those of ORDER BY, or LIMIT the rows"
    " before they are sorted",
    "plan-differs": "hide the value from the planner, with its type: = (SELECT :value::uuid),"
    " LIMIT (SELECT :limit::bigint)",
}
"""The rules, with what to do about a violation."""

_BEFORE_A_TABLE = ("FROM", "JOIN", "UPDATE", "INTO", "USING", "ONLY", ",", ".")


def plans(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Large tables that are read at a cost that grows with them."""
    if not statement.has_plan:
        return
    reported = set()
    qualified = {
        table.alias_or_name: table_name(table) for table in statement.tree.find_all(exp.Table)
    }
    for rule, scan, message in _PlanJudge(statement, catalog).issues():
        # EXPLAIN omits the schema.
        large = catalog.is_large(qualified.get(scan.alias) or scan.table)
        if large and (rule, scan.table) not in reported:
            reported.add((rule, scan.table))
            place = _place(statement.source, scan)
            yield statement.finding(rule, place, message, HELP[rule], scan.table)


class _PlanJudge:
    """The issues of a statement's plans."""

    def __init__(self, statement: BoundStatement, catalog: Catalog) -> None:
        self._statement, self._catalog = statement, catalog

    def issues(self) -> Iterator[PlanIssue]:
        """The issues of the generic plan, and those of the plans for particular values."""
        plan = self._statement.plan
        custom_plans = list(self._custom_plans(plan))
        # Scans of many rows in any of the plans, even if that plan does not sort them.
        unbounded = {
            scan.alias
            for candidate in (plan, *(custom for _, custom in custom_plans))
            for scan in candidate.scans
            if scan.rows > FEW_ROWS or not scan.fixed
        }
        issues = list(self._generic_plan_issues(plan, unbounded))
        yield from issues
        with_issues = {scan.alias for _, scan, _ in issues}
        if self._statement.project.has_made_up_rows:
            return
        generic_scans = {scan.alias: scan for scan in plan.scans if scan.alias not in with_issues}
        sorted_in_generic = {scan.alias for scan, _ in plan.sorted}
        for kind, custom in custom_plans:
            yield from self._custom_plan_issues(kind, custom, generic_scans, sorted_in_generic)

    def _custom_plans(self, plan: Plan) -> Iterator[tuple[str, Plan]]:
        """The plans for sample values, with the kind of value."""
        binding, catalog = self._statement.binding, self._catalog
        types = self._statement.description.parameters
        for kind, values in catalog.samples.of(binding, types, plan.tables):
            try:
                yield kind, custom_plan(catalog.connection, binding.statement, values)
            except psycopg.Error:
                # The statement does not take this value, such as 0 as a divisor.
                continue

    def _generic_plan_issues(self, plan: Plan, unbounded: set[str]) -> Iterator[PlanIssue]:
        for scan in plan.scans:
            if scan.step == "Seq Scan":
                yield "seq-scan", scan, f"{scan.table} is read from end to end"
            for index, condition in scan.indexes:
                if not condition:
                    yield "unbounded-index-scan", scan, f"{index} is read from end to end"
        for scan in self._sorts(plan):
            # A few rows that an equality selects need no index for their order.
            if scan.alias in unbounded:
                yield "sort", scan, f"all the rows of {scan.table} that are found are sorted"
        for scan, message in self._missed_key_lookups(plan).items():
            yield "key-lookup", scan, f"in the generic plan {message}"

    def _custom_plan_issues(
        self, kind: str, plan: Plan, generic_scans: dict[str, Scan], sorted_in_generic: set[str]
    ) -> Iterator[PlanIssue]:
        sorts = [scan for scan in self._sorts(plan) if scan.alias not in sorted_in_generic]
        longer = self._missed_key_lookups(plan)
        # Particular values may make a scan needless, so that one of the plans lacks it.
        for scan in plan.scans:
            if scan.alias not in generic_scans:
                continue
            rows = self._catalog.rows.get(scan.table, 0)
            if message := longer.get(scan):
                yield "key-lookup", scan, f"for {kind} values {message}"
            # Another index with the same fixed columns is as good, as long as nothing is sorted.
            # Reading the whole table is right for values that many rows have.
            elif scan in sorts or (
                scan.fixed != generic_scans[scan.alias].fixed
                and not (scan.step == "Seq Scan" and scan.rows * 10 >= rows)
            ):
                observed, sort = f"{scan}{_by_columns(scan)}", " and a sort" * (scan in sorts)
                expected = f"{generic_scans[scan.alias]}{_by_columns(generic_scans[scan.alias])}"
                message = (
                    f"for {kind} values the plan has {observed}{sort}; the generic plan has"
                    f" {expected}"
                )
                yield "plan-differs", scan, message

    def _sorts(self, plan: Plan) -> list[Scan]:
        """The scans whose rows are sorted, except look-ups by a unique key.

        Such a look-up finds at most one row for each value passed, as in `id = ANY (:ids)`, so the
        caller limits how many rows are sorted. A scan in the order of a unique key is left out,
        too: only the rows that are joined with each of its rows are sorted.
        """
        return list(
            dict.fromkeys(
                scan
                for scan, in_order in plan.sorted
                if not any(
                    self._catalog.unique[scan.table].get(index, {None}) <= scan.fixed
                    for index, _ in scan.indexes
                )
                and not (in_order and self._keys(scan, scan.fixed | in_order))
            )
        )

    def _missed_key_lookups(self, plan: Plan) -> dict[Scan, str]:
        """A message for each scan that reads an index range where a unique key finds the row."""
        messages = {scan: self._missed_key_lookup(scan) for scan in plan.scans}
        longer = {scan: message for scan, message in messages.items() if message}
        # Of tables joined by each other's keys, one has to be read first: it may be the smallest.
        joined = [scan for scan in longer if not self._keys(scan, scan.fixed)]
        if len(joined) > 1:
            del longer[min(joined, key=lambda scan: scan.rows)]
        return longer

    def _keys(self, scan: Scan, columns: frozenset[str]) -> list[str]:
        """The unique keys of a table that consist of these columns."""
        return [name for name, key in self._catalog.unique[scan.table].items() if key <= columns]

    def _missed_key_lookup(self, scan: Scan) -> str | None:
        """A message if a scan could look up a row by a unique key but reads a longer range."""
        keys = self._catalog.unique[scan.table]
        looked_up = self._keys(scan, scan.fixed | scan.picked)
        if not looked_up and self._would_gain_by_lookups(scan):
            looked_up = self._keys(scan, scan.fixed | scan.picked | scan.joined)
        for index, _ in scan.indexes:
            leading = self._leading(scan, index)
            if not looked_up or leading is None or any(key <= leading for key in keys.values()):
                continue
            key = looked_up[0]
            range_ = "a range of it" if index == key else f"a range of {index}"
            return (
                f"{scan.table} has a unique key {key} for this look-up, but the plan scans {range_}"
            )
        return None

    def _would_gain_by_lookups(self, scan: Scan) -> bool:
        """Whether one look-up for each joined row would read less than the scan does.

        An owner has so few made-up rows that the planner may read them all either way.
        """
        is_bounded = all(self._leading(scan, index) for index, _ in scan.indexes)
        return scan.rows > scan.partners and not (
            self._statement.project.has_made_up_rows and is_bounded
        )

    def _leading(self, scan: Scan, index: str) -> set[str | None] | None:
        """The columns at an index's beginning that a scan fixes; None if the index is unknown."""
        # It belongs to a table of the same name in another schema.
        columns = self._catalog.index_columns.get(index)
        return None if columns is None else {*takewhile(scan.fixed.__contains__, columns)}


def _by_columns(scan: Scan) -> str:
    return f" by {', '.join(sorted(scan.fixed)) or 'no column'}" if scan.indexes else ""


def _place(source: Source, scan: Scan) -> int | None:
    """The offset where a scan's table is named, with its alias if it has one."""
    places: dict[str, list[int]] = {scan.table: []}
    names = [fold(token.text) for token in source.significant]
    for n, token in enumerate(source.significant):
        if names[n] == scan.table and source.significant[n - 1].text.upper() in _BEFORE_A_TABLE:
            following = [name for name in names[n + 1 : n + 3] if name != "as"]
            for name in {scan.table, *following[:1]}:
                places.setdefault(name, []).append(token.offset)
    alias, number = scan.alias, 0
    if alias not in places and (numbered := re.fullmatch(r"(\w+)_(\d+)", alias)):
        alias, number = numbered[1], int(numbered[2])  # EXPLAIN calls repeated aliases c, c_1, c_2
    named = places.get(alias) or places[scan.table]
    return named[min(number, len(named) - 1)] if named else None
