"""The rules that PostgreSQL's plans of a statement break."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import takewhile
from typing import TypeAlias

import psycopg

from dal.binding.query import Binding
from dal.check.explain import Plan, custom_plan, generic_plan
from dal.check.samples import Samples
from dal.check.scans import Scan

Fault: TypeAlias = tuple[str, Scan, str]
"""A rule, where it is broken, and how."""

LARGE_ROWS = 5000
"""How many rows a table needs to be looked at: a small one is rightly read from end to end."""

RULES = {
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
"""What to do where a rule is broken."""

_LARGE = """
    SELECT relname::text, reltuples
    FROM pg_class
    WHERE relkind IN ('r', 'p', 'm') AND pg_table_is_visible(oid)
"""
_INDEXES = """
    SELECT
        of_table.relname::text, index.relname::text,
        indisunique AND indpred IS NULL AND indexprs IS NULL,
        ARRAY(
            SELECT attname::text
            FROM unnest(indkey) WITH ORDINALITY AS key (number, place)
            LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = number
            WHERE place <= indnkeyatts
            ORDER BY place)
    FROM pg_index
    JOIN pg_class AS index ON index.oid = indexrelid
    JOIN pg_class AS of_table ON of_table.oid = indrelid
    WHERE indisvalid AND pg_table_is_visible(indrelid)
"""


class Planner:
    """PostgreSQL's plans, and what it knows of the tables.

    Attributes:
        rows: how many rows it takes each table to have.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection, self.samples = connection, Samples(connection)
        self.rows: dict[str, float] = dict(connection.execute(_LARGE).fetchall())
        self._columns: dict[str, list[str | None]] = {}
        self._keys: dict[str, dict[str, set[str]]] = defaultdict(dict)
        for table, index, unique, columns in connection.execute(_INDEXES):
            self._columns[index] = columns
            if unique:
                self._keys[table][index] = set(columns)

    def is_large(self, table: str, *, unknown: bool = False) -> bool:
        """Whether a table is looked at."""
        return self.rows[table] >= LARGE_ROWS if table in self.rows else unknown

    def faults(self, binding: Binding) -> list[Fault]:
        """The rules that a statement breaks, where, and how."""
        plan = generic_plan(self.connection, binding.statement)
        faults = list(self._for_any_values(plan))
        at_fault = {scan.alias for _, scan, _ in faults}
        usual = {scan.alias: scan for scan in plan.scans if scan.alias not in at_fault}
        for kind, values in self.samples.of(binding, plan.tables):
            custom = custom_plan(self.connection, binding.statement, values)
            faults += self._for_these_values(kind, custom, usual)
        return faults

    def _for_any_values(self, plan: Plan) -> Iterator[Fault]:
        for scan in plan.scans:
            if scan.step == "Seq Scan":
                yield "seq-scan", scan, f"{scan.table} is read from end to end"
            for index, condition in scan.indexes:
                if not condition:
                    yield "unbounded-index-scan", scan, f"{index} is read from end to end"
        for scan in self._sorts(plan):
            yield "sort", scan, f"all the rows of {scan.table} that are found are sorted"
        for scan in plan.scans:
            if message := self._longer_than_a_key(scan):
                yield "key-lookup", scan, f"for any values {message}"

    def _for_these_values(self, kind: str, plan: Plan, usual: dict[str, Scan]) -> Iterator[Fault]:
        sorts = self._sorts(plan)
        # A scan that the values make needless is missing from one of the plans.
        for scan in plan.scans:
            if scan.alias not in usual:
                continue
            if message := self._longer_than_a_key(scan):
                yield "key-lookup", scan, f"for {kind} values {message}"
            # Another index with the same columns fixed is as good, as long as nothing is sorted.
            # What a good part of the rows have is rightly looked for in all of them.
            elif scan in sorts or (
                scan.fixed != usual[scan.alias].fixed
                and not (scan.step == "Seq Scan" and scan.rows * 10 >= self.rows.get(scan.table, 0))
            ):
                seen, sort = f"{scan}{_by(scan)}", " and a sort" * (scan in sorts)
                expected = f"{usual[scan.alias]}{_by(usual[scan.alias])}"
                message = f"for {kind} values the plan has {seen}{sort}, for any values {expected}"
                yield "plan-differs", scan, message

    def _sorts(self, plan: Plan) -> list[Scan]:
        """The scans whose rows are sorted, apart from those that look up what a caller names.

        With all columns of a unique key fixed there is at the most one row for each value given:
        the caller bounds them, and no index could hold their order.
        """
        return [
            scan
            for scan in plan.sorted
            if not any(
                self._keys[scan.table].get(index, {None}) <= scan.fixed for index, _ in scan.indexes
            )
        ]

    def _longer_than_a_key(self, scan: Scan) -> str | None:
        """How a scan that wants a unique key's row reads a range that is not that key's."""
        keys = self._keys[scan.table]
        wanted = [name for name, key in keys.items() if key <= scan.fixed | scan.picked]
        for index, _ in scan.indexes:
            # One that is not known is of another schema's table, which has the same name.
            begin = {*takewhile(scan.fixed.__contains__, self._columns.get(index, ()))}
            if wanted and index in self._columns and not any(key <= begin for key in keys.values()):
                return (
                    f"a row of {scan.table} is looked up by all columns of {wanted[0]}, but in a"
                    f" longer range of {index}"
                )
        return None


def _by(scan: Scan) -> str:
    return f" by {', '.join(sorted(scan.fixed)) or 'no column'}" if scan.indexes else ""
