"""The connection of a run, and the lock that it holds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg

from dal import errors
from dal.migrate.connection import RETRIED, connect, explained
from dal.migrate.settings import apply_session_settings, committed_reads
from dal.migrate.watch import reporting_blockers

Report = Callable[[str], None]
Result = TypeVar("Result")

WAIT_SECONDS = 60.0
"""How long a run waits for others in all, by default."""
LOCK_TIMEOUT_SECONDS = 0.8  # before deadlock_timeout (1 s), which may end the service's statement
"""How long a migration waits for a table's lock; the service's statements queue behind it."""
PAUSE_SECONDS = 2.0
"""How long it then pauses before the next try, so that the service can work."""

_LOCK_KEY = int.from_bytes(b"dal migr", "big")
# Tried again and again: a session that waits in pg_advisory_lock() has a snapshot, for whose end a
# concurrent index build of the lock's holder would wait: a deadlock.
_TRY_LOCK = "SELECT pg_try_advisory_lock(%s)"
_HOLDER = """
    SELECT pid, application_name, backend_start
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
      AND (classid::bigint << 32) | objid::bigint = %s AND objsubid = 1
"""
_ABOUT = """
    SELECT pg_backend_pid(), pg_is_in_recovery(), has_schema_privilege(current_schema(), 'CREATE')
"""
# A role's or a database's own limits are meant for services. The names depend on the version.
_NO_LIMITS = """
    SELECT set_config(name, '0', false) FROM pg_settings
    WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_session_timeout',
        'idle_in_transaction_session_timeout')
"""
_SET_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', %s, false)"


class PoolerError(errors.ConfigurationError):
    """A pooler is in front, where session locks don't hold."""

    message = (
        "A pooler stands in front of the database, where session locks don't hold; migrate through"
        " the direct address."
    )


class ReadOnlyError(errors.DatabaseUnavailableError):
    """The server is a standby, which is read-only."""

    message = "The server is a standby, which is read-only; migrate on the primary."


class LockedError(errors.TransactionConflictError):
    """Somebody else held a lock for too long; run it again, or wait longer."""


def silent(_: str) -> None:
    """A report that says nothing."""


class WaitBudget:
    """The time that a run may spend on waiting for others, in all."""

    def __init__(self, seconds: float, report: Report) -> None:
        self._seconds, self._report = seconds, report
        self._deadline = time.monotonic() + seconds
        self._reported = ""

    @property
    def left(self) -> float:
        """The seconds that are left, 0 at the least."""
        return max(0.0, self._deadline - time.monotonic())

    def pause(self, reason: str, seconds: float = PAUSE_SECONDS) -> None:
        """Wait a little before the next try.

        Raises:
            LockedError: the time is up.
        """
        if not self.left:
            raise LockedError(
                f"{reason}. Waited {self._seconds:g} s; run it again, or wait longer with --wait"
            )
        self.tell(reason)
        time.sleep(min(seconds, self.left))

    def tell(self, reason: str) -> None:
        """Report why the run waits, unless the last report was the same."""
        if reason != self._reported:
            self._report(f"{reason}; waiting")
            self._reported = reason


class Session:
    """A connection that holds the lock of all runs on its database.

    Attributes:
        connection: in autocommit mode.
    """

    def __init__(self, dsn: str, connection: psycopg.Connection, budget: WaitBudget) -> None:
        self._dsn, self.connection, self._budget = dsn, connection, budget

    def lock(self) -> None:
        """Take the lock of all runs; the end of the session gives it back."""
        while not _row(self.connection, _TRY_LOCK, [_LOCK_KEY])[0]:
            holders = [_described(*row) for row in self._rows(_HOLDER, [_LOCK_KEY])]
            held = f" ({'; '.join(holders)})" if holders else ""
            self._budget.pause(f"another run is at work{held}", seconds=0.5)

    def retried(self, subject: str, action: Callable[[], Result], *, queues: bool = True) -> Result:
        """Run an action that may wait for a table's lock, again and again until it succeeds.

        Parameters:
            subject: what reports call it.
            action: undone as a whole when it fails.
            queues: whether other statements queue behind it while it waits. If not, as with a
                concurrent index build, it may wait for all the time that is left.

        Raises:
            LockedError: the time is up.
        """
        while True:
            limit = LOCK_TIMEOUT_SECONDS if queues else max(LOCK_TIMEOUT_SECONDS, self._budget.left)
            self.connection.execute(_SET_LOCK_TIMEOUT, [f"{limit * 1000:.0f}ms"])
            reason = _in_the_way(subject, [])

            def note(others: list[Any]) -> None:
                # Kept for later: after the timeout, nobody is in the way any more.
                nonlocal reason
                reason = _in_the_way(subject, others)
                if not queues:
                    self._budget.tell(reason)

            pid, every = self.connection.info.backend_pid, limit / 3 if queues else PAUSE_SECONDS
            try:
                with reporting_blockers(self._dsn, pid, note, every=every):
                    return action()
            except RETRIED:
                pass
            self._budget.pause(reason)

    def _rows(self, query: str, parameters: list[Any] | None = None) -> list[Any]:
        return self.connection.execute(query.encode(), parameters).fetchall()


@contextmanager
def session(dsn: str, *, application_name: str, wait: float, report: Report) -> Iterator[Session]:
    """Connect for a run, and take the lock.

    Raises:
        DatabaseUnavailableError: no connection could be made.
        PoolerError, ReadOnlyError, PermissionDeniedError: the run could not succeed here.
        LockedError: another run held the lock for longer than `wait` seconds.
    """
    with connect(dsn, application_name=application_name) as connection, explained("the run"):
        connection.autocommit = True
        committed_reads(connection)
        with connection.transaction():
            pid, standby, may_create = _row(connection, _ABOUT)
        if pid != connection.info.backend_pid:
            raise PoolerError
        if standby:
            raise ReadOnlyError
        if not may_create:
            raise errors.PermissionDeniedError(
                "the role may not create tables in the first schema of its search_path,"
                " or there is none; migrate as the schema's owner"
            )
        apply_session_settings(connection, transaction=False)
        connection.execute(_NO_LIMITS)
        held = Session(dsn, connection, WaitBudget(wait, report))
        held.lock()
        yield held


def _row(connection: psycopg.Connection, query: str, parameters: list[Any] | None = None) -> Any:
    return connection.execute(query.encode(), parameters).fetchone()


def _in_the_way(subject: str, others: list[Any]) -> str:
    held = f" ({'; '.join(_described(*row) for row in others)})" if others else ""
    return f"{subject}: a transaction holds a lock that it needs{held}"


def _described(pid: int, application: str | None, since: datetime | None) -> str:
    when = f", since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if since else ""
    return f'pid {pid}, application "{application or ""}"{when}'
