"""Plans that would grow with the data: what an index does not serve, or not for all values."""

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
from dal.source.text import Source

Fault: TypeAlias = tuple[str, Scan, str]
"""A rule, where it is broken, and how."""

FEW_ROWS = 100
"""Up to how many rows, as the planner expects them, may be sorted without an index."""

HELP = {
    "seq-scan": "write conditions on bare columns that an index begins with, and none that a"
    " parameter switches off",
    "unbounded-index-scan": "write conditions on the columns that an index begins with",
    "key-lookup": "give each column of the key as a parameter, and ask for a column that the other"
    " index does not hold",
    "sort": "add an index of the filtered columns and then those of ORDER BY, or LIMIT what is"
    " sorted",
    "plan-differs": "hide the value from the planner, with its type: = (SELECT :value::uuid),"
    " LIMIT (SELECT :limit::bigint)",
}
"""The rules, and what to do where one is broken."""

_BEFORE_A_TABLE = ("FROM", "JOIN", "UPDATE", "INTO", "USING", "ONLY", ",", ".")


def plans(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Tables that look large to the planner, and are read in a way that grows with them."""
    if not statement.has_plan:
        return
    judged = set()
    qualified = {
        table.alias_or_name: table_name(table) for table in statement.tree.find_all(exp.Table)
    }
    for rule, scan, message in _Judge(statement, catalog).faults():
        # EXPLAIN leaves the schema out.
        large = catalog.is_large(qualified.get(scan.alias) or scan.table)
        if large and (rule, scan.table) not in judged:
            judged.add((rule, scan.table))
            place = _place(statement.source, scan)
            yield statement.finding(rule, place, message, HELP[rule], scan.table)


class _Judge:
    """The faults of a statement's plans."""

    def __init__(self, statement: BoundStatement, catalog: Catalog) -> None:
        self._statement, self._catalog = statement, catalog

    def faults(self) -> Iterator[Fault]:
        """The rules that the plans break, where, and how: for any values, and for some."""
        plan = self._statement.plan
        customs = list(self._customs(plan))
        # For some value at least, whether that one's own plan sorts them or not.
        many = {
            scan.alias
            for each in (plan, *(custom for _, custom in customs))
            for scan in each.scans
            if scan.rows > FEW_ROWS or not scan.fixed
        }
        faults = list(self._for_any_values(plan, many))
        yield from faults
        at_fault = {scan.alias for _, scan, _ in faults}
        if self._statement.project.made_up:
            return
        usual = {scan.alias: scan for scan in plan.scans if scan.alias not in at_fault}
        sorted_usually = {scan.alias for scan in plan.sorted}
        for kind, custom in customs:
            yield from self._for_these_values(kind, custom, usual, sorted_usually)

    def _customs(self, plan: Plan) -> Iterator[tuple[str, Plan]]:
        """The plans for values that the planner knows something of."""
        binding, catalog = self._statement.binding, self._catalog
        types = self._statement.description.parameters
        for kind, values in catalog.samples.of(binding, types, plan.tables):
            try:
                yield kind, custom_plan(catalog.connection, binding.statement, values)
            except psycopg.Error:
                # The value is none for this statement, as 0 is none to divide by.
                continue

    def _for_any_values(self, plan: Plan, many: set[str]) -> Iterator[Fault]:
        for scan in plan.scans:
            if scan.step == "Seq Scan":
                yield "seq-scan", scan, f"{scan.table} is read from end to end"
            for index, condition in scan.indexes:
                if not condition:
                    yield "unbounded-index-scan", scan, f"{index} is read from end to end"
        for scan in self._sorts(plan):
            # A handful, found by equality, needs no index for its order.
            if scan.alias in many:
                yield "sort", scan, f"all the rows of {scan.table} that are found are sorted"
        for scan, message in self._longer_than_keys(plan).items():
            yield "key-lookup", scan, f"for any values {message}"

    def _for_these_values(
        self, kind: str, plan: Plan, usual: dict[str, Scan], sorted_usually: set[str]
    ) -> Iterator[Fault]:
        sorts = [scan for scan in self._sorts(plan) if scan.alias not in sorted_usually]
        longer = self._longer_than_keys(plan)
        # A scan that the values make needless is missing from one of the plans.
        for scan in plan.scans:
            if scan.alias not in usual:
                continue
            rows = self._catalog.rows.get(scan.table, 0)
            if message := longer.get(scan):
                yield "key-lookup", scan, f"for {kind} values {message}"
            # Another index with the same columns fixed is as good, as long as nothing is sorted.
            # What a good part of the rows have is rightly looked for in all of them.
            elif scan in sorts or (
                scan.fixed != usual[scan.alias].fixed
                and not (scan.step == "Seq Scan" and scan.rows * 10 >= rows)
            ):
                seen, sort = f"{scan}{_by(scan)}", " and a sort" * (scan in sorts)
                expected = f"{usual[scan.alias]}{_by(usual[scan.alias])}"
                message = f"for {kind} values the plan has {seen}{sort}, for any values {expected}"
                yield "plan-differs", scan, message

    def _sorts(self, plan: Plan) -> list[Scan]:
        """The scans whose rows are sorted, apart from those that look up what a caller names.

        With all columns of a unique key fixed there is at most one row for each value given:
        the caller bounds them, and no index could hold their order.
        """
        return [
            scan
            for scan in plan.sorted
            if not any(
                self._catalog.unique[scan.table].get(index, {None}) <= scan.fixed
                for index, _ in scan.indexes
            )
        ]

    def _longer_than_keys(self, plan: Plan) -> dict[Scan, str]:
        """The scans that want a unique key's row, and read a range that is not that key's."""
        messages = {scan: self._longer_than_a_key(scan) for scan in plan.scans}
        longer = {scan: message for scan, message in messages.items() if message}
        # Of two tables that are joined by each other's keys, the shorter range leads to the other.
        joined = [scan for scan in longer if not self._keys(scan, scan.fixed)]
        if len(joined) > 1:
            del longer[min(joined, key=lambda scan: scan.rows)]
        return longer

    def _keys(self, scan: Scan, columns: frozenset[str]) -> list[str]:
        """The unique keys of a table that have no other columns than these."""
        return [name for name, key in self._catalog.unique[scan.table].items() if key <= columns]

    def _longer_than_a_key(self, scan: Scan) -> str | None:
        """How a scan that wants a unique key's row reads a range that is not that key's."""
        keys, columns = self._catalog.unique[scan.table], self._catalog.index_columns
        wanted = self._keys(scan, scan.fixed | scan.picked)
        for index, _ in scan.indexes:
            # One that is not known is of another schema's table, which has the same name.
            begin = {*takewhile(scan.fixed.__contains__, columns.get(index, ()))}
            if wanted and index in columns and not any(key <= begin for key in keys.values()):
                return (
                    f"a row of {scan.table} is looked up by all columns of {wanted[0]}, but in a"
                    f" longer range of {index}"
                )
        return None


def _by(scan: Scan) -> str:
    return f" by {', '.join(sorted(scan.fixed)) or 'no column'}" if scan.indexes else ""


def _place(source: Source, scan: Scan) -> int | None:
    """Where a table is named, with the alias of the scan if it has one."""
    places: dict[str, list[int]] = {scan.table: []}
    names = [
        token.text.strip('"') if '"' in token.text else token.text.lower() for token in source.loud
    ]
    for n, token in enumerate(source.loud):
        if names[n] == scan.table and source.loud[n - 1].text.upper() in _BEFORE_A_TABLE:
            following = [name for name in names[n + 1 : n + 3] if name != "as"]
            for name in {scan.table, *following[:1]}:
                places.setdefault(name, []).append(token.offset)
    alias, number = scan.alias, 0
    if alias not in places and (numbered := re.fullmatch(r"(\w+)_(\d+)", alias)):
        alias, number = numbered[1], int(numbered[2])  # of c, c_1, c_2, which are all c in the file
    named = places.get(alias) or places[scan.table]
    return named[min(number, len(named) - 1)] if named else None
