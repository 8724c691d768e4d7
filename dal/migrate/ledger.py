"""What a database knows of its migrations, and how one is written into it."""

import getpass
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.migrations import default_migration_table

from dal.migrate.folder import Migration


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that a database has.

    Attributes:
        at: when it was applied (UTC).
        checksum: of its file then; None if yoyo alone applied it.
    """

    at: datetime
    checksum: str | None


_TABLES = """
    SELECT count(*) = 2 FROM pg_tables
    WHERE schemaname = current_schema() AND tablename IN ('_yoyo_migration', '_yoyo_log')
"""
# The log has no key to the marks, but a run gives both the same time.
_APPLIED = """
    SELECT mark.migration_id, applied_at_utc, comment
    FROM _yoyo_migration AS mark
    LEFT JOIN _yoyo_log AS log
        ON log.migration_id = mark.migration_id AND log.created_at_utc = applied_at_utc
"""
_LOG = """
    INSERT INTO _yoyo_log
        (id, migration_hash, migration_id, operation, username, hostname, comment, created_at_utc)
    SELECT :id, migration_hash, migration_id, :operation, :username, :hostname, :comment,
        applied_at_utc
    FROM _yoyo_migration
    WHERE migration_id = :migration_id
"""


def applied(connection: psycopg.Connection) -> dict[str, Applied]:
    """What has been applied, by id; read with plain SELECTs, so that any reader may."""
    row = connection.execute(_TABLES).fetchone()
    if row != (True,):
        return {}
    found = {}
    for name, at, comment in connection.execute(_APPLIED):
        found[name] = Applied(at.replace(tzinfo=UTC), comment)
    return found


class Ledger(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's backend, on the connection that holds the run's lock, and on no other.

    yoyo itself applies on a second connection and marks in a second transaction, under a lock that
    is a row, which a killed run leaves behind.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._of_the_run = connection
        super().__init__(parse_uri("postgresql+psycopg://"), default_migration_table)
        self.ensure_internal_schema_updated()
        self._internal_schema_updated = True  # yoyo would look again at every step
        self.statement = 0

    def apply(self, migration: Migration) -> None:
        """Apply a migration and mark it; `statement` tells where it stopped."""
        with self._scope(migration):
            self._run(migration.statements)
            with self.transaction():
                self.mark(migration, "apply")

    def undo(self, migration: Migration) -> None:
        """Roll a migration back and unmark it; `statement` tells where it stopped."""
        with self._scope(migration):
            self._run(migration.rollback_statements)
            with self.transaction():
                self.unmark_one(migration.yoyo, log=False)
                self.log_migration(migration.yoyo, "rollback")

    def mark(self, migration: Migration, operation: str = "mark") -> None:
        """Note that the database has a migration, and the checksum of its file."""
        self.mark_one(migration.yoyo, log=False)
        data = self.get_log_data(migration.yoyo, operation)
        names = ("id", "operation", "username", "hostname", "migration_id")
        self.execute(_LOG, {name: data[name] for name in names} | {"comment": migration.checksum})

    def _run(self, statements: list[str]) -> None:
        # yoyo's own steps print the rows of a statement, and count those of both files together.
        for self.statement, text in enumerate(statements, 1):
            self.connection.execute(text)

    @contextmanager
    def _scope(self, migration: Migration) -> Iterator[None]:
        with self.transaction() if migration.transactional else self.disable_transactions():
            yield

    def connect(self, dburi: object) -> psycopg.Connection:  # noqa: ARG002
        """For yoyo: the run's connection."""
        return self._of_the_run

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:  # noqa: ARG002
        """For yoyo: nothing, the session holds its lock."""
        yield

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """For yoyo's log: who did what."""
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
