"""What `dal distribute` runs: it distributes the tables, or brings them back."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import psycopg

from dal import errors
from dal.check.project import OwnerColumns
from dal.distribute.citus_tables import CitusTable, citus_tables
from dal.distribute.plan import Capacity, Moved, Plan, Script, Size, measured, script
from dal.distribute.refusals import (
    already,
    refuse_cluster,
    refuse_missing,
    refuse_others,
    refuse_pending,
    refuse_server,
    refuse_shards,
    refuse_tables,
)
from dal.distribute.sql_files import rows
from dal.distribute.tables import Table, owned
from dal.migrate.connection import explained
from dal.migrate.migration import DAL_FOLDERS, Folders
from dal.migrate.session import WAIT_SECONDS, LockedError, Report, Session, session, silent
from dal.paths import SQL

_NAME = "dal distribute"


def apply(
    dsn: str,
    owners: OwnerColumns,
    own: Sequence[str] = (),
    *,
    shards: int | None = None,
    existing: bool = False,
    dry_run: bool = False,
    wait: float = WAIT_SECONDS,
    folders: Folders = DAL_FOLDERS,
    report: Report = silent,
) -> Plan:
    """Distribute the tables that have an owner over the nodes of a Citus cluster.

    It is one transaction, which compares the numbers of rows before it commits. Plain reads go on
    meanwhile, and writes wait. What the coordinator keeps of the rows is removed afterwards, and a
    run that finds nothing else to do does that for one that was cut off.

    Parameters:
        dsn: the coordinator's address.
        owners: the columns that hold the owners.
        own: the names of dal's own tables, which come first.
        shards: in how many parts each table is to be; None means citus.shard_count.
        existing: whether tables that were there before dal may be distributed.
        dry_run: check everything, and measure a copy that is rolled back, but change nothing.
        wait: seconds to wait for others, once for the move and once for the clean-up.
        folders: where the migrations are: dal's own, and after them a service's.
        report: called with a line about each statement and each wait.

    Raises:
        ClusterError: the server is no coordinator of a cluster in good health.
        PendingError: migrations are pending.
        SchemaMismatchError: tables can't be distributed as they are, or some are already, but in
            another way, in another number of shards, or without the rest.
        Others are those of `dal.migrate.apply`.
    """
    with session(dsn, application_name=_NAME, wait=wait, report=report) as run:
        refuse_cluster(run.connection)  # first, because a worker has no record of migrations
        refuse_pending(run.connection, folders)
        refuse_server(run.connection)
        tables = owned(run.connection, owners, own)
        there = already(run.connection, tables)
        refuse_shards(there, shards)
        [form] = rows(run.connection, "capacity", Capacity, shards=shards)
        if there:
            return _left(run, tables, there, form, report, dry_run=dry_run)
        refuse_tables(run.connection, tables, () if existing else own)
        steps = script(run.connection, "distribute", tables, form.shards)
        if dry_run:
            return _estimated(run, tables, steps, form, undo=False)
        plan = _moved(run, tables, steps, form, report, undo=False)
    return _finished(plan, dsn, steps.after, wait, report)


def undo(
    dsn: str,
    owners: OwnerColumns,
    own: Sequence[str] = (),
    *,
    dry_run: bool = False,
    wait: float = WAIT_SECONDS,
    report: Report = silent,
) -> Plan:
    """Bring distributed tables back to the coordinator, in one transaction.

    Reads and writes wait meanwhile. Citus loses the comments; they are written again. Where a
    column, constraint, index, trigger, rule, policy or function would get lost, it is refused.

    Raises:
        SchemaMismatchError: something would be lost, or other tables would have to come along.
        Others, and the parameters, are those of `apply`.
    """
    with session(dsn, application_name=_NAME, wait=wait, report=report) as run:
        known = {table.id: table for table in citus_tables(run.connection)}
        if not known:
            return Plan()
        refuse_cluster(run.connection)
        tables = owned(run.connection, owners, own)
        refuse_others(run.connection, tables)
        tables = [table for table in tables if table.id in known]
        if not tables:
            return Plan()
        sizes = rows(run.connection, "sizes", Size, tables=[table.id for table in tables])
        tables = [
            replace(table, bytes=size.bytes) for table, size in zip(tables, sizes, strict=True)
        ]
        form = Capacity(known[tables[0].id].shards, known[tables[0].id].nodes)
        steps = script(run.connection, "undo", tables, form.shards)
        if dry_run:
            return _estimated(run, tables, steps, form, undo=True)
        plan = _moved(run, tables, steps, form, report, undo=True)
    return _finished(plan, dsn, steps.after, wait, report)


def _left(
    run: Session,
    tables: Sequence[Table],
    there: Sequence[CitusTable],
    form: Capacity,
    report: Report,
    *,
    dry_run: bool,
) -> Plan:
    """Remove what the coordinator still keeps of distributed tables, as far as Citus lets it."""
    ids = {table.id for table in there}
    distributed = [table for table in tables if table.id in ids]
    missing = [table for table in tables if table.id not in ids]
    # The first of these statements is for a table that is there, beside which the others come.
    [_, *moves] = script(run.connection, "distribute", [distributed[0], *missing], form.shards).move
    # What a table of the coordinator refers to, Citus does not empty.
    if dry_run or any(ids & {*table.needs} for table in missing):
        refuse_missing(missing, moves)
    plan = Plan()
    if any(table.left_bytes for table in there):
        after = script(run.connection, "distribute", distributed, form.shards).after
        plan = Plan(statements=after)
        if not dry_run:
            _finish(run, after, report)
    refuse_missing(missing, moves)
    return plan


def _estimated(
    run: Session, tables: Sequence[Table], steps: Script, form: Capacity, *, undo: bool
) -> Plan:
    counts = _counts(run.connection, steps)
    seconds = sum(
        measured(run.connection, table, count, shards=form.shards, undo=undo)
        for table, count in zip(tables, counts, strict=True)
    )
    return Plan(_listed(tables, counts), form.shards, form.nodes, steps.statements, seconds)


def _moved(
    run: Session,
    tables: Sequence[Table],
    steps: Script,
    form: Capacity,
    report: Report,
    *,
    undo: bool,
) -> Plan:
    """Run the transaction, if it neither changes a number of rows nor loses an object."""
    subject = "the way back" if undo else "the distribution"

    def move() -> tuple[list[int], float]:
        with run.connection.transaction():
            for statement in steps.lock:
                run.connection.execute(statement.encode())
            started = time.perf_counter()
            objects = _objects(run.connection)
            counts = _counts(run.connection, steps)
            for statement in steps.move:
                _execute(run.connection, statement, report)
            for statement in steps.comment:
                run.connection.execute(statement.encode())
            if _counts(run.connection, steps) != counts:
                raise errors.SchemaMismatchError(
                    f"{subject} would change the number of rows, so it was rolled back"
                )
            if lost := sorted(objects - _objects(run.connection)):
                raise errors.SchemaMismatchError(
                    f"{subject} would lose these, so it was rolled back; drop them first, and make"
                    f" them again afterwards:\n  " + "\n  ".join(lost)
                )
        return counts, time.perf_counter() - started

    with explained(subject):
        counts, seconds = run.retried(subject, move)
    return Plan(_listed(tables, counts), form.shards, form.nodes, steps.statements, seconds)


def _finished(plan: Plan, dsn: str, statements: Sequence[str], wait: float, report: Report) -> Plan:
    """Finish what has committed, which a lock of others must not hide."""
    try:
        with session(dsn, application_name=_NAME, wait=wait, report=report) as run:
            _finish(run, statements, report)
    except LockedError as error:
        report(str(error))
        return replace(plan, unfinished=True)
    return plan


def _finish(run: Session, statements: Sequence[str], report: Report) -> None:
    """Run the statements that need not be in the transaction, each with its own tries."""
    for statement in statements:
        with explained(statement):
            run.retried(statement, partial(_execute, run.connection, statement, report))


def _execute(connection: psycopg.Connection, statement: str, report: Report) -> None:
    started = time.perf_counter()
    connection.execute(statement.encode())
    report(f"{statement} in {(time.perf_counter() - started) * 1000:,.0f} ms")


def _counts(connection: psycopg.Connection, steps: Script) -> list[int]:
    [(counts,)] = connection.execute(steps.count.encode())
    return list(counts)


def _objects(connection: psycopg.Connection) -> set[str]:
    """The parts of the schema by their names: a CHECK's text is printed otherwise afterwards."""
    found = connection.execute((SQL / "objects.sql").read_bytes())
    return {
        f"{schema}.{name}: {kind} {definition.partition(' ')[0]}"
        for schema, name, kind, definition in found
    }


def _listed(tables: Sequence[Table], counts: Sequence[int]) -> list[Moved]:
    return [
        Moved(table.identifier, count, table.bytes)
        for table, count in zip(tables, counts, strict=True)
    ]
