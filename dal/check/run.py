"""Everything that is proven of a folder's statements against one database."""

from collections.abc import Sequence
from pathlib import Path

import psycopg

from dal.binding.query import Binding
from dal.check import hygiene, plans, rules
from dal.check.describe import Database
from dal.check.explain import generic_plan
from dal.check.findings import Finding
from dal.check.nulls import nulls
from dal.check.shape import shape

LOCK_TIMEOUT = "1s"


def check(
    connection: psycopg.Connection,
    bindings: Sequence[Binding],
    *,
    folder: Path,
    migrations: Path,
    live: bool,
) -> list[Finding]:
    """All findings, by file and place.

    It runs in a read-only transaction that is rolled back. Preparing and explaining a write takes
    ROW EXCLUSIVE on its tables for a moment, and the privileges that running it would take.

    Parameters:
        connection: to a database that is migrated; `populate` has filled it unless it is live.
        bindings: the statements with their stubs.
        folder: where their files are.
        migrations: where the migrations are.
        live: the rows are a service's own. Whether an index or a waiver is needless can't be told
            from them.
    """
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        database = Database(connection)
        found: list[Finding] = []
        fitting: list[Binding] = []
        for binding in bindings:
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
        found += hygiene.findings(connection, migrations)
        found += plans.findings(connection, fitting, live=live)
        if not live:
            made = [generic_plan(connection, binding.statement) for binding in fitting]
            found += plans.unused_indexes(connection, made, migrations)
    return sorted(set(found), key=lambda one: (str(one.path), one.offset or 0, one.rule))
