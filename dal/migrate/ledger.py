"""Reads and writes a database's record of its migrations."""

import getpass
import os
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.internalmigrations import mark_schema_version, schema_versions
from yoyo.internalmigrations import v2 as tables
from yoyo.migrations import default_migration_table

from dal.migrate.indexes import confirm
from dal.migrate.migration import Migration
from dal.migrate.settings import share_lock_timeout


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that a database has.

    Attributes:
        at: when it was applied (UTC).
        checksum: of its file then; None if yoyo alone applied it.
        depends: the newest migration of dal's that it needs, if it is a service's.
    """

    at: datetime
    checksum: str | None
    depends: str | None = None


_TABLES = """
    SELECT tablename::text FROM pg_tables
    WHERE schemaname = current_schema() AND tablename IN ('_yoyo_migration', '_yoyo_log')
"""
# The log has no key to the history entries, but a run gives both the same time.
_APPLIED = """
    SELECT entry.migration_id, applied_at_utc, comment
    FROM _yoyo_migration AS entry
    LEFT JOIN _yoyo_log AS log
        ON log.migration_id = entry.migration_id AND log.created_at_utc = applied_at_utc
"""
_APPLIED_WITHOUT_LOG = "SELECT migration_id, applied_at_utc, NULL FROM _yoyo_migration"
_LOG = """
    INSERT INTO _yoyo_log
        (id, migration_hash, migration_id, operation, username, hostname, comment, created_at_utc)
    SELECT :id, migration_hash, migration_id, :operation, :username, :hostname, :comment,
        applied_at_utc
    FROM _yoyo_migration
    WHERE migration_id = :migration_id
"""
_DEPENDS = " depends on dal "  # after the checksum, if the migration depends on dal's
_HAS_VERSION = "SELECT count(*) > 0 FROM _yoyo_version"
_INDEX_IS_THERE = "SELECT to_regclass(%s) IS NOT NULL"
# A transaction has a number of its own once it has written something.
_WROTE = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"


def applied(connection: psycopg.Connection) -> dict[str, Applied]:
    """The applied migrations by id, read with plain SELECTs, so that a reader's role is enough."""
    tables = {name for (name,) in connection.execute(_TABLES)}
    if "_yoyo_migration" not in tables:
        return {}
    query = _APPLIED if "_yoyo_log" in tables else _APPLIED_WITHOUT_LOG  # as a copy may be
    recorded = {}
    for name, at, comment in connection.execute(query):
        checksum, _, depends = (comment or "").partition(_DEPENDS)
        recorded[name] = Applied(at.replace(tzinfo=UTC), checksum or None, depends or None)
    return recorded


class Ledger(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's backend, on the connection that holds the run's lock, and on no other.

    yoyo itself applies on a second connection and writes the history entry in a second transaction;
    its lock is a row, which a killed run leaves behind.
    """

    def __init__(self, connection: psycopg.Connection, report: Callable[[str], None]) -> None:
        self._of_the_run, self._report = connection, report
        super().__init__(parse_uri("postgresql+psycopg://"), default_migration_table)
        self._make_tables()
        self._internal_schema_updated = True  # yoyo would look at every step
        self.statement = 0

    def _make_tables(self) -> None:
        # yoyo's own way fails on a copy that has only some of its tables, or has them without rows.
        makers = {
            self.migration_table: tables.create_migration_table,
            self.log_table: tables.create_log_table,
            self.version_table: tables.create_version_table,
        }
        with self.transaction():
            for name in makers.keys() - set(self.list_tables()):
                makers[name](self)
            if not self._says(_HAS_VERSION):
                mark_schema_version(self, max(schema_versions))

    def apply(self, migration: Migration) -> None:
        """Apply a migration and record it; `statement` is the number of the last one that ran."""
        with self._scope(migration):
            self._run(migration.path.name, migration.statements)
            if migration.index:
                confirm(self.connection, migration.index)
            with self.transaction():
                self.record(migration, "apply")

    def undo(self, migration: Migration) -> bool:
        """Roll a migration back and drop its record; `statement` is the last one's number.

        Returns:
            Whether there was anything to undo.
        """
        index = migration.dropped_index
        with self._scope(migration):
            there = index and self._says(_INDEX_IS_THERE, [index.written])
            self._run(migration.rollback.name, migration.rollback_statements)
            undone = there if index else self._says(_WROTE)
            with self.transaction():
                self.unmark_one(migration.yoyo, log=False)
                self.log_migration(migration.yoyo, "rollback")
        return bool(undone)

    def record(self, migration: Migration, operation: str = "mark") -> None:
        """Record that the database has a migration, and the checksum of its file."""
        self.mark_one(migration.yoyo, log=False)
        data = self.get_log_data(migration.yoyo, operation)
        names = ("id", "operation", "username", "hostname", "migration_id")
        comment = _DEPENDS.join(filter(None, (migration.checksum, migration.depends)))
        self.execute(_LOG, {name: data[name] for name in names} | {"comment": comment})

    def _says(self, query: LiteralString, parameters: Sequence[str] = ()) -> bool:
        row = self.connection.execute(query, parameters).fetchone()
        return bool(row and row[0])

    def _run(self, file: str, statements: list[str]) -> None:
        def tell(notice: psycopg.errors.Diagnostic) -> None:  # such as that a table stays
            if notice.severity_nonlocalized in ("NOTICE", "WARNING"):
                self._report(f"{file}: {notice.message_primary}")

        self.connection.add_notice_handler(tell)
        try:
            # yoyo's own steps print the rows of a statement, and count both files' together.
            for self.statement, text in enumerate(statements, 1):
                self.connection.execute(text)
        finally:
            self.connection.remove_notice_handler(tell)

    @contextmanager
    def _scope(self, migration: Migration) -> Iterator[None]:
        if not migration.transactional:
            with self.disable_transactions():
                yield
            return
        with self.transaction():
            share_lock_timeout(self.connection)
            yield

    def connect(self, dburi: object) -> psycopg.Connection:  # noqa: ARG002
        """For yoyo: the run's connection."""
        return self._of_the_run

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:  # noqa: ARG002
        """For yoyo: nothing, the session holds its lock."""
        yield

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """For yoyo: a row of its log."""
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration and migration.id,
            "migration_hash": migration and migration.hash,
            "operation": operation,
            "username": _user(),
            "hostname": socket.gethostname(),  # yoyo asks the DNS
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
        }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())
