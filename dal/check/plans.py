"""Whether an index serves each statement, and a statement each index.

A head comment waives what is meant so: `-- Waives seq-scan on users: the reason.`
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg

from dal.binding.query import Binding
from dal.check.explain import Plan
from dal.check.findings import Finding
from dal.check.head import Head
from dal.check.planner import RULES, Planner
from dal.check.scans import Scan
from dal.check.source import Source
from dal.places import SQL

_WAIVER = re.compile(r"Waives\b(?: (\S+) on (\w+): \S)?")
_KEPT = re.compile(r"(?m)^-- Keeps (\w+): \S")
_BEFORE_A_TABLE = ("FROM", "JOIN", "UPDATE", "INTO", "USING", "ONLY", ",")


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
    planner = Planner(connection)
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


def _judged(binding: Binding, planner: Planner) -> Iterator[Finding]:
    path = binding.statement.path
    source = Source.read(path)
    lines = Head.read(path).matching(_WAIVER)
    waivers = {(waiver[1], waiver[2]): offset for waiver, offset in lines}
    needless, told = dict(waivers), set()
    for rule, scan, message in planner.faults(binding):
        key = (rule, scan.table)
        needless.pop(key, None)
        if planner.is_large(scan.table) and key not in waivers and key not in told:
            told.add(key)
            yield Finding(rule, path, _place(source, scan), message, RULES[rule])
    for (rule, table), offset in needless.items():
        # Whether one of a small table is needed would show only where that is large.
        if planner.is_large(table, unknown=True) or rule not in RULES:
            yield Finding(
                "needless-waiver",
                path,
                offset,
                f"no plan breaks the rule {rule} on {table}" if rule else "it names no rule",
                "take it out, or write `-- Waives RULE on TABLE: why.`; the rules are "
                + ", ".join(RULES),
            )


def _place(source: Source, scan: Scan) -> int | None:
    """Where a table is named, with the alias of the scan if it has one."""
    places: dict[str, list[int]] = {scan.table: []}
    for n, token in enumerate(source.loud):
        if token.text == scan.table and source.loud[n - 1].text.upper() in _BEFORE_A_TABLE:
            following = [one.text for one in source.loud[n + 1 : n + 3] if one.text.upper() != "AS"]
            for name in {scan.table, *following[:1]}:
                places.setdefault(name, []).append(token.offset)
    alias, number = scan.alias, 0
    if alias not in places and (numbered := re.fullmatch(r"(\w+)_(\d+)", alias)):
        alias, number = numbered[1], int(numbered[2])  # of c, c_1, c_2, which are all c in the file
    named = places.get(alias) or places[scan.table]
    return named[min(number, len(named) - 1)] if named else None


def _defined(index: str, migrations: Path) -> tuple[Path, int | None]:
    """Where a migration creates an index."""
    for path in sorted(migrations.glob("*.sql")):
        if found := re.search(
            rf"(?i)\bINDEX\s(?:[a-z ]+\s)?({re.escape(index)})\s", Source.read(path).text
        ):
            return path, found.start(1)
    return SQL / "indexes.sql", None
