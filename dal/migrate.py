"""Applies, rolls back and lists the migrations, which yoyo runs."""

import glob
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import yoyo

from dal import errors
from dal.database.address import Address
from dal.places import MIGRATIONS


@dataclass(frozen=True, slots=True)
class Step:
    """A migration that has just been applied or rolled back, and the seconds that it took."""

    id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class State:
    """A migration, and when it was applied (UTC); None while it is pending."""

    id: str
    applied_at: datetime | None


def apply(dsn: str, *, folder: Path = MIGRATIONS) -> list[Step]:
    """Apply the pending migrations in order, each in a transaction of its own.

    When one fails, those before it stay applied.

    Parameters:
        dsn: `postgresql://user:password@host:port/database`, with libpq's parameters.
        folder: where the migrations are.

    Raises:
        ConfigurationError: the URL is malformed, or the folder is missing or empty.
        DatabaseUnavailableError: no connection could be made.
        PermissionDeniedError: the role may not create tables, or not refer to `users`.
        SchemaMismatchError: an existing table is in the way.
        DalError: a migration failed otherwise; the text says which, and why.
    """
    migrations = _read(folder)
    with _yoyo(dsn) as backend:
        return [
            Step(migration.id, _run(backend.apply_one, migration))
            for migration in backend.to_apply(migrations)
        ]


def rollback(dsn: str, *, steps: int | None = 1, folder: Path = MIGRATIONS) -> list[Step]:
    """Roll back the latest migrations, newest first. The rows of their tables are lost.

    Parameters:
        dsn: as for `apply`.
        steps: how many; None means all.
        folder: where the migrations are.

    Raises:
        InvalidInputError: `steps` is less than 1.
        ConfigurationError: as for `apply`, or a migration has no `.rollback.sql`.
        DalError: as for `apply`.
    """
    if steps is not None and steps < 1:
        raise errors.InvalidInputError("steps must be at least 1, or None for all")
    migrations = _read(folder)
    with _yoyo(dsn) as backend:
        latest = list(backend.to_rollback(migrations))[:steps]
        for migration in latest:  # without the file yoyo unmarks it, and changes nothing
            if not Path(migration.path).with_suffix(".rollback.sql").is_file():
                raise errors.ConfigurationError(f"{migration.id}.rollback.sql is missing")
        return [Step(migration.id, _run(backend.rollback_one, migration)) for migration in latest]


def status(dsn: str, *, folder: Path = MIGRATIONS) -> list[State]:
    """List every migration of the folder, in order. Nothing is locked or written.

    Parameters and errors are those of `apply`.
    """
    migrations = _read(folder)
    with _connect(dsn) as connection, _explained("status"):
        connection.read_only = True
        migrated = connection.execute(_YOYO_TABLE).fetchone()
        rows = connection.execute(_YOYO_ROWS).fetchall() if migrated else []
    applied = {name: applied_at.replace(tzinfo=UTC) for name, applied_at in rows}
    return [State(migration.id, applied.get(migration.id)) for migration in migrations]


_MAY_CREATE = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
_YOYO_TABLE = """
    SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = '_yoyo_migration'
"""
_YOYO_ROWS = "SELECT migration_id, applied_at_utc FROM _yoyo_migration"


def _read(folder: Path) -> Any:
    migrations = yoyo.read_migrations(glob.escape(str(folder)))
    if not migrations:  # no error to yoyo, and nothing to do
        raise errors.ConfigurationError(f"no migrations found: {folder.name}/ is missing or empty")
    return migrations


@contextmanager
def _yoyo(dsn: str) -> Iterator[Any]:
    """Yoyo's connection, closed afterwards, and yoyo's lock."""
    with _connect(dsn) as connection:  # yoyo would wait 10 s for a lock that it couldn't create
        if connection.execute(_MAY_CREATE).fetchone() != (True,):
            raise errors.PermissionDeniedError(
                "the role may not create tables in the first schema of its search_path,"
                " or there is none; migrate as the schema's owner"
            )
    url = "postgresql+psycopg://?" + urlencode(_conninfo(dsn))
    backend: Any = yoyo.get_backend(url)
    with backend, backend.lock():
        yield backend


def _run(step: Callable[[Any], None], migration: Any) -> float:
    started = time.perf_counter()
    with _explained(migration.id):
        step(migration)
    return time.perf_counter() - started


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        sqlstate = error.sqlstate or ""
        kind = errors.DalError
        if sqlstate == "42501":
            kind = errors.PermissionDeniedError
        elif sqlstate.startswith(("42", "P0")):  # P0001 is a migration's own RAISE
            kind = errors.SchemaMismatchError
        # Not the detail, which may quote rows.
        reason = error.diag.message_primary or "the connection broke"
        if error.diag.message_hint:
            reason = f"{reason}. {error.diag.message_hint}"
        raise kind(f"{what}: {reason}", sqlstate=error.sqlstate) from None


def _connect(dsn: str) -> psycopg.Connection:
    try:
        return psycopg.connect(**_conninfo(dsn))
    except psycopg.OperationalError as error:
        reason = str(error).partition("\n")[0]
        raise errors.DatabaseUnavailableError(f"no connection to the database: {reason}") from None


def _conninfo(dsn: str) -> dict[str, Any]:
    return {"application_name": "dal migrate"} | Address.parse(dsn).for_psycopg()
