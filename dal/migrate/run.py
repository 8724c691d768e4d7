"""Applies and rolls back migrations."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import psycopg

from dal import errors
from dal.migrate.connection import explained
from dal.migrate.folder import DAL, project_of
from dal.migrate.index_statement import ConcurrentIndex
from dal.migrate.indexes import invalid, repair
from dal.migrate.ledger import Applied, Ledger, applied
from dal.migrate.migration import DAL_FOLDERS, Folders, Migration, parse_reference, position, read
from dal.migrate.obstacles import obstacles, refuse
from dal.migrate.rehearsal import rehearsed
from dal.migrate.session import WAIT_SECONDS, Report, Session, session, silent
from dal.migrate.status import refuse_disagreement


@dataclass(frozen=True, slots=True)
class Step:
    """A migration that was applied or rolled back, and the seconds that it took."""

    id: str
    seconds: float


def apply(
    dsn: str,
    *,
    to: str | None = None,
    steps: int | None = None,
    dry_run: bool = False,
    wait: float = WAIT_SECONDS,
    folders: Folders = DAL_FOLDERS,
    report: Report = silent,
) -> list[Step]:
    """Apply the pending migrations in order, dal's first, each in a transaction of its own.

    When one fails, those before it stay applied, and the next run goes on from there. If a project
    has none applied yet, they are first run in one transaction that is rolled back, so that a table
    in the way is found before anything is made.

    Parameters:
        dsn: `postgresql://user:password@host:port/database`, with libpq's parameters.
        to: the last one to apply, by id or number; None means all. A bare number
            means the last folder's migration; write `dal 0003` for dal's.
        steps: how many at most.
        dry_run: check everything and say what would be applied, but change nothing.
        wait: seconds to wait in all for another run, and for tables that others have locked.
        folders: where the migrations are: dal's own, and after them a service's.
        report: called with a line about each step and each wait.

    Raises:
        InvalidInputError: there is no such `to`, or `steps` is less than 1.
        ConfigurationError: the URL is malformed; as UnfitError, the folder is missing, empty, or
            lint refuses a file.
        PoolerError, ReadOnlyError: this address can't be migrated through.
        DatabaseUnavailableError: no connection could be made.
        PermissionDeniedError: the role may not create tables, or not refer to `users`.
        LockedError: another run or a transaction was in the way for longer than `wait`.
        SchemaMismatchError: an existing table is in the way, an applied file was edited or is
            gone, or a pending migration comes before an applied one.
        ConnectionLostError: run it again.
        DalError: a migration failed otherwise; the text says which, and why.
    """
    _at_least_one(steps)
    migrations = read(folders)
    upto = migrations[: position(migrations, to) + 1] if to else migrations
    with session(dsn, application_name="dal migrate", wait=wait, report=report) as run:
        recorded = applied(run.connection)
        refuse_disagreement(migrations, recorded)
        in_the_way = obstacles(run.connection, migrations)
        begun = {project_of(name) for name in recorded}
        if DAL not in begun:  # otherwise dal's tables are there, and obstacles are only reported
            refuse(in_the_way)
        pending = [migration for migration in upto if migration.id not in recorded][:steps]
        if any(migration.project not in begun for migration in pending):
            _rehearse(run, [migration for migration in migrations if migration.id not in recorded])
        for obstacle in in_the_way:
            report(f"note: {obstacle}")
        if dry_run:
            for migration in pending:
                report(f"would apply {migration.id}")
            return [Step(migration.id, 0.0) for migration in pending]
        ids = {migration.id for migration in pending}
        _repair(run, migrations, ids, report)
        if not pending:
            return []
        ledger = Ledger(run.connection, report)

        def make(migration: Migration) -> bool:
            if migration.index:  # IF NOT EXISTS would accept what the last try left
                _repair(run, migrations, ids, report)
            ledger.apply(migration)
            return True

        try:
            return [
                _step(run, ledger, make, migration, f"{migration.id}.sql", report)
                for migration in pending
            ]
        finally:
            _tell_invalid(run, migrations, report)


def rollback(
    dsn: str,
    *,
    steps: int | None = 1,
    to: str | None = None,
    wait: float = WAIT_SECONDS,
    folders: Folders = DAL_FOLDERS,
    report: Report = silent,
) -> list[Step]:
    """Roll back a project's latest migrations, newest first. The rows of their tables are lost.

    They are first rolled back in one transaction that is undone, so that an obstacle is found
    before anything is dropped. A table that was there before dal stays, and the report says so.

    Parameters:
        steps: how many; None means all, or all after `to`.
        to: the one to go back to, by id or number; it stays applied. Number 0000 is before the
            first. The project is that of the last folder, unless the text names it, as in
            `dal 0003`.
        dsn, wait, folders, report: as for `apply`.

    Raises:
        SchemaMismatchError: also where an applied migration of a service needs one of dal's that
            would go.
        Others are those of `apply`.
    """
    _at_least_one(steps)
    migrations = read(folders)
    after = _after(migrations, to)
    with session(dsn, application_name="dal rollback", wait=wait, report=report) as run:
        recorded = applied(run.connection)
        refuse_disagreement(migrations, recorded)
        latest = [migration for migration in reversed(after) if migration.id in recorded][:steps]
        if not latest:
            return []
        _refuse_dependents(latest, recorded)
        if len(latest) > 1:  # a single one that fails changes nothing anyway
            # One that is not transactional may wait for long, so it is left out.
            _rehearse(
                run, [migration for migration in latest if migration.transactional], rollback=True
            )
        ledger = Ledger(run.connection, report)
        return [
            _step(run, ledger, ledger.undo, migration, f"{migration.id}.rollback.sql", report)
            for migration in latest
        ]


def _after(migrations: Sequence[Migration], to: str | None) -> list[Migration]:
    """The migrations of one project that come after one of them."""
    project, number = parse_reference(migrations, to or "0000")
    if number == "0000":
        return [migration for migration in migrations if migration.project == project]
    place = position(migrations, to or "")
    project = migrations[place].project
    return [migration for migration in migrations[place + 1 :] if migration.project == project]


def _refuse_dependents(leaving: Sequence[Migration], recorded: dict[str, Applied]) -> None:
    """Refuse to roll back dal's migrations while a service's need them."""
    if leaving[0].project != DAL:
        return
    first = min(migration.id for migration in leaving)
    problems = [
        f"{name} needs {applied.depends or first}: first roll back {project_of(name)}'s, in its"
        " folder"
        for name, applied in sorted(recorded.items())
        # A migration without a recorded dependency may need any of them.
        if project_of(name) != DAL and (applied.depends or first) >= first
    ]
    if problems:
        listed = "\n  ".join(problems)
        raise errors.SchemaMismatchError(f"a service's tables build on these:\n  {listed}")


def _at_least_one(steps: int | None) -> None:
    if steps is not None and steps < 1:
        raise errors.InvalidInputError("steps must be at least 1, or None for all")


def _rehearse(run: Session, migrations: Sequence[Migration], *, rollback: bool = False) -> None:
    def rehearse() -> None:
        with rehearsed(run.connection, migrations, rollback=rollback):
            pass

    run.retried("the rehearsal", rehearse)


def _repair(run: Session, migrations: list[Migration], pending: set[str], report: Report) -> None:
    built = {migration.index.name: migration.id for migration in migrations if migration.index}
    for index in invalid(run.connection, _indexes(migrations)):
        repair_it = partial(repair, run.connection, index, pending=built.get(index.name) in pending)
        subject = f"the repair of the INVALID index {index.qualified}"
        try:
            with explained(subject):
                run.retried(subject, repair_it, queues=False)
        except (errors.ConnectionLostError, errors.TransactionConflictError):
            raise
        except errors.DalError as failure:
            if index.name in built:
                raise
            report(f"{failure}; no migration made it, so it is left to you")
            continue
        report(f"repaired the INVALID index {index.qualified}")


def _tell_invalid(run: Session, migrations: list[Migration], report: Report) -> None:
    with suppress(psycopg.Error):  # the connection may be what failed
        for index in invalid(run.connection, _indexes(migrations)):
            report(f"the index {index.qualified} is INVALID; the next run repairs it")


def _indexes(migrations: list[Migration]) -> list[ConcurrentIndex]:
    return [migration.index for migration in migrations if migration.index]


def _step(
    run: Session,
    ledger: Ledger,
    action: Callable[[Migration], bool],
    migration: Migration,
    file: str,
    report: Report,
) -> Step:
    started = time.perf_counter()
    with explained(lambda: f"{file}, statement {ledger.statement}"):
        done = run.retried(file, partial(action, migration), queues=migration.transactional)
    seconds = time.perf_counter() - started
    if done:
        verb = "rolled back" if file.endswith(".rollback.sql") else "applied"
        report(f"{verb} {migration.id} in {seconds * 1000:.0f} ms")
    else:
        report(f"{migration.id} had nothing to roll back, and is pending again")
    return Step(migration.id, seconds)
