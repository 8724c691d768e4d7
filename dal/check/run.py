"""Everything that is proven of a folder's statements against one database."""

from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg

from dal.binding.query import Binding
from dal.check import hygiene, plans, rules
from dal.check.describe import Database
from dal.check.explain import generic_plan
from dal.check.findings import Finding
from dal.check.needs import lacking
from dal.check.nulls import nulls
from dal.check.shape import shape
from dal.check.source import Source
from dal.migrate.obstacles import Kind, obstacles
from dal.migrate.settings import committed_reads, settle
from dal.places import SQL

LOCK_TIMEOUT = "1s"
_PLANNED = ("SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "(")


def check(
    connection: psycopg.Connection,
    bindings: Sequence[Binding],
    *,
    folder: Path,
    migrations: Path,
    live: bool,
    report: Callable[[str], object],
) -> list[Finding]:
    """All findings, by file and place; nothing of statements that `lacking` names.

    It runs in a read-only transaction that is rolled back. Preparing and explaining a write takes
    ROW EXCLUSIVE on its tables for a moment, and the privileges that running it would take.

    Parameters:
        connection: to a database that is migrated; `populate` has filled it unless it is live.
        bindings: the statements with their stubs.
        folder: where their files are.
        migrations: where the migrations are.
        live: the rows are a service's own. Whether an index or a waiver is needless can't be told
            from them.
        report: called with a line about each thing that changes rows, and makes no statement wrong.
    """
    committed_reads(connection)
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        settle(connection, transaction=True)
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        database = Database(connection)
        found: list[Finding] = []
        fitting: list[Binding] = []
        absent = lacking(bindings, database)
        for binding in bindings:
            if binding.statement.name in absent:
                continue
            with connection.transaction(force_rollback=True):  # a refusal ends no more than itself
                findings, described = shape(binding, database)
            found += findings
            if described:
                fitting.append(binding)
                found += nulls(binding, database, described)
        fit = {binding.statement.path for binding in fitting}
        found += [
            one
            for one in rules.findings(connection, bindings, folder)
            # What is unknown to the catalogue would be taken for the worst.
            if one.rule != "volatile-in-update" or one.path in fit
        ]
        for one in obstacles(connection):
            if one.kind is Kind.STOPS:
                file = SQL / "obstacles.sql"
                found.append(Finding("obstacle", file, None, one.problem, one.help))
            else:
                report(f"note: {one}")
        found += hygiene.findings(connection, migrations)
        planned = [one for one in fitting if _has_plan(one)]
        found += plans.findings(connection, planned, live=live)
        if not live:
            made = [generic_plan(connection, binding.statement) for binding in planned]
            found += plans.unused_indexes(connection, made, migrations)
    return sorted(set(found), key=lambda one: (str(one.path), one.offset or 0, one.rule))


def _has_plan(binding: Binding) -> bool:
    first = Source(binding.statement.text).loud[0].text
    return first.upper() in _PLANNED
