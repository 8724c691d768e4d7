"""Connects a run to the database, and explains PostgreSQL's failures."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg

from dal import errors
from dal.database import tls
from dal.database.address import Address
from dal.database.opening import open_connection
from dal.database.sqlstates import error_class


def connect(dsn: str, *, application_name: str) -> psycopg.Connection:
    """Connect to the database.

    Parameters:
        dsn: the address.
        application_name: the session's name, unless the address has one.

    Raises:
        ConfigurationError: the address is malformed or refused, or a file that it names can't be
            used.
        DatabaseUnavailableError: no connection could be made.
        DalError: the server refuses otherwise.
    """
    address = Address.parse(dsn)
    parameters: dict[str, Any] = {"application_name": application_name} | address.for_psycopg()
    if any(address.uses_tls(host) for host, _ in address.hosts):
        tls.context(address.parameters)  # raises our own error where a file can't be used
        if tls.home_is_hidden() and "sslcert" not in parameters:
            parameters["sslcertmode"] = "disable"  # else libpq would look for one there
    parameters["client_encoding"] = "UTF8"  # as the files are, whatever the database is in
    try:
        return psycopg.connect(**parameters)
    except (psycopg.OperationalError, UnicodeError) as error:  # UnicodeError: an invalid host name
        unexplained = str(error).partition("\n")[0]
    reason = _reason(address, application_name)
    raise reason or errors.DatabaseUnavailableError(f"no connection to the database: {unexplained}")


def _reason(address: Address, application_name: str) -> errors.DalError | None:
    """Connect again with asyncpg, whose errors are typed, and return its error, or None."""

    async def ask() -> None:
        connection = await open_connection(address, application_name=application_name)
        await connection.close()

    with ThreadPoolExecutor(1) as apart:  # the caller may be within an event loop
        error = apart.submit(asyncio.run, ask()).exception()
    if error is None or isinstance(error, errors.DalError):
        return error
    raise error


@contextmanager
def rolled_back(connection: psycopg.Connection) -> Iterator[None]:
    """A transaction, or a savepoint, that is rolled back at the block's end.

    Raises:
        ConnectionLostError: the connection broke meanwhile; the server rolls back too.
    """
    with connection.transaction(force_rollback=True):
        yield
    if connection.broken:  # psycopg does not raise this where it rolls back
        raise errors.ConnectionLostError("the connection broke; it can be run again")


RETRIED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
"""Errors after which a run tries again."""


@contextmanager
def explained(subject: str | Callable[[], str], *, retried: bool = False) -> Iterator[None]:
    """Turn PostgreSQL's failures into errors whose text begins with the subject.

    Parameters:
        subject: what failed, or a function that says it then.
        retried: whether the block is part of what a run tries again; then RETRIED pass as they are.
    """
    try:
        yield
    except psycopg.Error as error:
        if retried and isinstance(error, RETRIED):
            raise
        raise _explain(subject if isinstance(subject, str) else subject(), error) from None


# As the error of a migration: what failed is no caller's argument, but the rows that are there.
_OF_MIGRATIONS: dict[str, type[errors.DalError]] = {
    "": errors.ConnectionLostError,
    "22": errors.DalError,
    "23": errors.DalError,
    "54": errors.DalError,
    "P0": errors.SchemaMismatchError,  # its own RAISE
}


def _explain(subject: str, error: psycopg.Error) -> errors.DalError:
    sqlstate = error.sqlstate or ""
    if not sqlstate and not isinstance(error, psycopg.OperationalError):
        raise error  # a fault of ours
    kind = _OF_MIGRATIONS.get(sqlstate[:2]) or error_class(sqlstate)
    # Not the detail, which may quote rows.
    reason = error.diag.message_primary or "the connection broke"
    if error.diag.message_hint:
        reason = f"{reason}. {error.diag.message_hint}"
    if kind is errors.ConnectionLostError:
        reason = f"{reason}; it can be run again"
    return kind(f"{subject}: {reason}", sqlstate=error.sqlstate)
