"""How a run reaches the database, and what PostgreSQL's failures are called."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from dal import errors
from dal.database.address import Address


def connect(dsn: str) -> psycopg.Connection:
    """A connection.

    Raises:
        ConfigurationError: the URL is malformed.
        DatabaseUnavailableError: no connection could be made.
    """
    parameters: dict[str, Any] = {"application_name": "dal migrate"}
    parameters |= Address.parse(dsn).for_psycopg()
    parameters["client_encoding"] = "UTF8"  # as the files are, whatever the database is in
    try:
        return psycopg.connect(**parameters)
    except psycopg.OperationalError as error:
        reason = str(error).partition("\n")[0]
    raise errors.DatabaseUnavailableError(f"no connection to the database: {reason}")


RETRIED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
"""What a later try may not meet; not explained, because it is not the end."""


@contextmanager
def explained(what: str | Callable[[], str]) -> Iterator[None]:
    """Turn PostgreSQL's failures into errors that begin with what failed."""
    try:
        yield
    except RETRIED:
        raise
    except psycopg.Error as error:
        raise _explain(what if isinstance(what, str) else what(), error) from None


def _explain(what: str, error: psycopg.Error) -> errors.DalError:
    sqlstate = error.sqlstate or ""
    kind = errors.DalError
    if sqlstate == "42501":
        kind = errors.PermissionDeniedError
    elif sqlstate.startswith(("42", "P0")):  # P0001 is a migration's own RAISE
        kind = errors.SchemaMismatchError
    elif not sqlstate and not isinstance(error, psycopg.OperationalError):
        raise error  # a fault of ours
    elif not sqlstate or sqlstate.startswith(("08", "57P")):
        kind = errors.ConnectionLostError
    # Not the detail, which may quote rows.
    reason = error.diag.message_primary or "the connection broke"
    if error.diag.message_hint:
        reason = f"{reason}. {error.diag.message_hint}"
    if kind is errors.ConnectionLostError:
        reason = f"{reason}; nothing is half done, run it again"
    return kind(f"{what}: {reason}", sqlstate=error.sqlstate)
