"""Whether an index serves each statement, and a statement each index.

A head comment waives what is meant so: `-- Waives seq-scan on users: the reason.`
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
import sqlparse

from dal.binding.query import Binding
from dal.check.explain import Plan, Scan, custom_plan, generic_plan
from dal.check.findings import Finding
from dal.check.head import Head
from dal.check.samples import Samples
from dal.check.source import Source
from dal.places import SQL

LARGE_ROWS = 1000
"""How many rows a table needs to be looked at: a small one is rightly read from end to end."""

_HELP = {
    "seq-scan": "write conditions on bare columns that an index begins with, and none that a"
    " parameter switches off",
    "unbounded-index-scan": "write conditions on the columns that an index begins with",
    "sort": "add an index of the filtered columns and then those of ORDER BY, or LIMIT what is"
    " sorted",
    "plan-differs": "hide the value from the planner: = (SELECT :value), LIMIT (SELECT :limit)",
}
_WAIVER = re.compile(r"Waives\b(?: (\S+) on (\w+): \S)?")

_EQUALITY = re.compile(r"\((\w+)\)?(?:::\w+)? = ")
_KEPT = re.compile(r"(?m)^-- Keeps (\w+): \S")

_LARGE = """
    SELECT relname::text, reltuples >= %s
    FROM pg_class
    WHERE relkind IN ('r', 'p', 'm') AND pg_table_is_visible(oid)
"""
_KEYS = """
    SELECT indexrelid::regclass::text, array_agg(attname::text)
    FROM pg_index
    JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey[:indnkeyatts - 1])
    WHERE indisunique AND indpred IS NULL AND indexprs IS NULL
    GROUP BY indexrelid
"""
_BEFORE_A_TABLE = ("FROM", "JOIN", "UPDATE", "INTO", "USING", "ONLY", ",")


class _Planner:
    """PostgreSQL's plans, and what it knows of the tables."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection, self.samples = connection, Samples(connection)
        self.large: dict[str, bool] = dict(connection.execute(_LARGE, [LARGE_ROWS]).fetchall())
        self.keys: dict[str, list[str]] = dict(connection.execute(_KEYS).fetchall())

    def faults(self, binding: Binding) -> list[tuple[str, Scan, str]]:
        """The rules that a statement breaks, where, and how."""
        plan = generic_plan(self.connection, binding.statement)
        found = [
            ("seq-scan", scan, f"{scan.table} is read from end to end")
            for scan in plan.scans
            if scan.step == "Seq Scan"
        ]
        found += [
            ("unbounded-index-scan", scan, f"{index} is read from end to end")
            for scan in plan.scans
            for index, condition in scan.indexes
            if not condition
        ]
        found += [
            ("sort", scan, f"all the rows of {scan.table} that are found are sorted")
            for scan in self._sorts(plan)
        ]
        at_fault = {scan.alias for _, scan, _ in found}
        usual = {scan.alias: scan for scan in plan.scans if scan.alias not in at_fault}
        for kind, values in self.samples.of(binding, plan.tables):
            custom = custom_plan(self.connection, binding.statement, values)
            sorts = self._sorts(custom)
            # A scan that the values make needless is missing from one of the plans. Another index
            # with the same columns fixed is as good, as long as nothing is sorted.
            found += [
                ("plan-differs", scan, _difference(kind, scan, usual[scan.alias], scan in sorts))
                for scan in custom.scans
                if scan.alias in usual
                and (_fixed(scan) != _fixed(usual[scan.alias]) or scan in sorts)
            ]
        return found

    def _sorts(self, plan: Plan) -> list[Scan]:
        """The scans whose rows are sorted, apart from those that look up what a caller names.

        With all columns of a unique key fixed there is at the most one row for each value given:
        the caller bounds them, and no index could hold their order.
        """
        return [
            scan
            for scan in plan.sorted
            if not any(
                index in self.keys and _fixed(scan) >= {*self.keys[index]}
                for index, _ in scan.indexes
            )
        ]


def findings(
    connection: psycopg.Connection, bindings: Iterable[Binding], *, live: bool = False
) -> list[Finding]:
    """Statements that no index serves, on the tables that look large to the planner.

    Parameters:
        connection: in autocommit mode or in a transaction; what is done there is undone.
        bindings: statements that fit the schema.
        live: the data is a service's own, and may need fewer waivers than `populate` gives.

    Raises:
        psycopg.Error: one does not fit, or the role may not run it.
    """
    planner = _Planner(connection)
    return [
        finding
        for binding in bindings
        for finding in _judged(binding, planner)
        if not (live and finding.rule == "needless-waiver")
    ]


def unused_indexes(
    connection: psycopg.Connection, plans: Iterable[Plan], migrations: Path
) -> list[Finding]:
    """Indexes that neither a key nor a plan needs, nor a line of sql/indexes.sql keeps.

    Parameters:
        connection: to a database that `populate` has filled.
        plans: the generic plans of all statements.
        migrations: the folder to find the indexes in.
    """
    file = SQL / "indexes.sql"
    text = Source.read(file).text
    kept = {match[1]: match.start() for match in _KEPT.finditer(text)}
    unused = {index for (index,) in connection.execute(text.encode())}
    unused -= {index for plan in plans for index in plan.indexes}
    found = [
        Finding(
            "unused-index",
            *_defined(index, migrations),
            f"no statement's plan uses {index}, nor does a key need it",
            f"drop it, or write `-- Keeps {index}: why.` in sql/{file.name}",
        )
        for index in sorted(unused - kept.keys())
    ]
    found += [
        Finding(
            "needless-waiver",
            file,
            offset,
            f"{index} is in use, or there is none",
            "take the line out",
        )
        for index, offset in kept.items()
        if index not in unused
    ]
    return found


def populate(connection: psycopg.Connection) -> list[Finding]:
    """Fill an empty, migrated database, so that its tables look large to the planner.

    Parameters:
        connection: in autocommit mode.

    Returns:
        The statements of sql/populate.sql that don't fit the schema. The plans on what they would
        have filled are not proven.
    """
    file = SQL / "populate.sql"
    text = Source.read(file).text
    found = []
    for statement in sqlparse.split(text):
        try:
            connection.execute(statement.encode())
        except (psycopg.ProgrammingError, psycopg.IntegrityError) as error:
            message = f"no rows to prove plans with: {error.diag.message_primary}"
            code = sqlparse.format(statement, strip_comments=True).partition("\n")[0]
            help_ = f"bring sql/{file.name} to this schema"
            found.append(Finding("populate", file, text.find(code), message, help_))
    return found


def _difference(kind: str, scan: Scan, usual: Scan, sorts: bool) -> str:
    sort = " and a sort" * sorts
    return f"for {kind} values the plan has {scan}{sort}, for any values {usual}"


def _fixed(scan: Scan) -> set[str]:
    """The columns that the conditions on the indexes want equal to a value, or to one of many."""
    return {column for _, condition in scan.indexes for column in _EQUALITY.findall(condition)}


def _judged(binding: Binding, planner: _Planner) -> Iterator[Finding]:
    path = binding.statement.path
    source = Source.read(path)
    lines = Head.read(path).matching(_WAIVER)
    waivers = {(waiver[1], waiver[2]): offset for waiver, offset in lines}
    needless, told = dict(waivers), set()
    for rule, scan, message in planner.faults(binding):
        key = (rule, scan.table)
        needless.pop(key, None)
        if planner.large.get(scan.table) and key not in waivers and key not in told:
            told.add(key)
            yield Finding(rule, path, _place(source, scan), message, _HELP[rule])
    for (rule, table), offset in needless.items():
        # Whether one of a small table is needed would show only where that is large.
        if planner.large.get(table, True) or rule not in _HELP:
            yield Finding(
                "needless-waiver",
                path,
                offset,
                f"no plan breaks the rule {rule} on {table}" if rule else "it names no rule",
                "take it out, or write `-- Waives RULE on TABLE: why.`; the rules are "
                + ", ".join(_HELP),
            )


def _place(source: Source, scan: Scan) -> int | None:
    """Where a table is named, with the alias of the scan if it has one."""
    named = [
        n
        for n, token in enumerate(source.loud)
        if token.text == scan.table and source.loud[n - 1].text.upper() in _BEFORE_A_TABLE
    ]
    for n in named:
        following = [
            token.text for token in source.loud[n + 1 : n + 3] if token.text.upper() != "AS"
        ]
        if following[:1] == [scan.alias]:
            return source.loud[n].offset
    return source.loud[named[0]].offset if named else None


def _defined(index: str, migrations: Path) -> tuple[Path, int | None]:
    """Where a migration creates an index."""
    for path in sorted(migrations.glob("*.sql")):
        if found := re.search(rf"(?i)\bINDEX\s(?:[a-z ]+\s)?({index})\s", Source.read(path).text):
            return path, found.start(1)
    return SQL / "indexes.sql", None
