"""asyncpg's and PostgreSQL's failures, as errors of `dal.errors`.

PostgreSQL's text may quote the failing row and asyncpg's may quote an argument, so neither is
passed on. The exceptions are errors that PostgreSQL finds while it reads a statement (names,
types): their text is about the statement and the schema alone, and shows what differs.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg

from dal import errors
from dal.database.sqlstates import (
    COMPLETION_UNKNOWN,
    CONNECTION_FAILURE,
    FOREIGN_KEY_VIOLATION,
    INSUFFICIENT_PRIVILEGE,
    INTERNAL_ERROR,
    LOCK_NOT_AVAILABLE,
    READ_ONLY,
    SERIALIZATION_FAILURE,
    TOO_MANY_CONNECTIONS,
    error_class,
)

Result = TypeVar("Result")

_ADVICE: dict[str, str] = {
    READ_ONLY: "this is read-only: if it is a standby, connect to the primary, else see where"
    " default_transaction_read_only is set, as `dal stats` does",
    "25P02": "an earlier statement of this transaction failed; leave the block and repeat it",
    "28": "the server refuses this user; check the user and the password in DATABASE_URL",
    "3D000": "the database does not exist; check its name in DATABASE_URL, or create it",
    TOO_MANY_CONNECTIONS: "the server has no connection left for this role; lower max_size, or"
    " raise max_connections or the role's CONNECTION LIMIT",
    "57P03": "the server is starting or shutting down; try again",
}

# What a row-level security policy refuses, by SQLSTATE and the server's function that raised it.
_POLICY: dict[tuple[str, str | None], str] = {
    (
        INSUFFICIENT_PRIVILEGE,
        "check_enable_rls",
    ): "a row-level security policy would hide rows from this role; use"
    " one that sees all of them, the tables' owner or one with BYPASSRLS",
    (
        INSUFFICIENT_PRIVILEGE,
        "ExecWithCheckOptions",
    ): "a row-level security policy refuses this row; compare the"
    " table's policies with what they ask of the role or the session",
    ("0A000", "DoCopy"): "there is no COPY under a row-level security policy; import with the"
    " tables' owner, or with a role that has BYPASSRLS",
}

# What a worker of a Citus cluster refuses comes without the names' own fields, and from a COPY, as
# which an INSERT ... SELECT may run, as an internal error, too. Its text has the names, which are
# those of the shard's table and keys. Where a worker is lost as a transaction ends, there is no
# more than that text, either.
_SHARD = r"(?:_\d{6,})?"
_REFUSED: dict[str, re.Pattern[str]] = {
    sqlstate: re.compile(text)
    for sqlstate, text in {
        CONNECTION_FAILURE: "server closed the connection unexpectedly"
        "|SSL connection has been closed unexpectedly"
        "|could not (receive|send) data (from|to) server: .+",
        "23502": rf'null value in column "(?P<column>.+)" of relation "(?P<table>.+?){_SHARD}"'
        " violates not-null constraint",
        FOREIGN_KEY_VIOLATION: r'.+ violates foreign key constraint "(?P<constraint>.+?)'
        rf'{_SHARD}"(?: on table ".+")?',
        "23505": rf'duplicate key value violates unique constraint "(?P<constraint>.+?){_SHARD}"',
        "23514": '.+ violates check constraint "(?P<constraint>.+)"',
        SERIALIZATION_FAILURE: "could not serialize access due to .+",
        COMPLETION_UNKNOWN: r"could not commit transaction for shard \d+ on .+",
        "40P01": "deadlock detected",
        LOCK_NOT_AVAILABLE: "canceling statement due to lock timeout",
    }.items()
}

# asyncpg's errors for a call that it sends nothing for, by a part of their text.
_NOT_SENT: dict[str, tuple[type[errors.DalError], str]] = {
    "another operation": (
        errors.DalError,
        "this connection is busy with another task's statement; give each task its own, or pass the"
        " database instead",
    ),
    "connection is closed": (errors.ConnectionLostError, errors.ConnectionLostError.message),
    # A pool takes a connection back when it breaks, too.
    "released back": (
        errors.ConnectionLostError,
        "the connection went back to its pool, because it broke or was released; nothing was sent,"
        " so repeat the call, or the whole transaction, on another one",
    ),
    "pool is ": (
        errors.DalError,
        "this pool is not open (not awaited yet, closing, or closed); nothing was sent",
    ),
    "manually started": (
        errors.DalError,
        "this connection is in a transaction that was begun by SQL, and asyncpg begins none in it;"
        " nothing was sent",
    ),
    "": (
        errors.DalError,
        "asyncpg refuses this use of a connection or pool, and nothing was sent; compare the call"
        " with asyncpg's documentation",
    ),
}

# The text of asyncpg's own error has the value, too.
_ARGUMENT = re.compile(r"query argument \$(\d+)\b")
_OUT_OF_RANGE = re.compile(r"\(value out of \w+ range\)$")


def explain(
    error: Exception, query: str | None = None, parameters: Sequence[str] = ()
) -> errors.DalError | None:
    """The error that a caller should see, or None if this one is not the database's.

    Parameters:
        error: what asyncpg raised.
        query: name of the statement that was running.
        parameters: the names of `$1`, `$2`, ...
    """
    match error:
        case errors.DalError():
            return error
        case asyncpg.DataError() if type(error) is asyncpg.DataError:
            return _explain_argument(error, query, parameters)
        case OverflowError():  # from decoding a row; for an argument asyncpg raises DataError
            return errors.SchemaMismatchError(
                "a row holds a time before the year 1 or after 9999, which Python can't represent;"
                " find it with psql",
                query=query,
            )
        case asyncpg.InvalidCachedStatementError():  # outside a transaction asyncpg repeats it
            return errors.TransactionConflictError(
                "the schema changed under this transaction; repeat it",
                query=query,
                sqlstate=error.sqlstate,
            )
        case asyncpg.PostgresError():
            return _explain_postgres(error, query)
        case asyncpg.InterfaceError():
            text = str(error)
            kind, message = next(_NOT_SENT[part] for part in _NOT_SENT if part in text)
            return kind(message, query=query)
        case asyncpg.InternalClientError():
            return errors.ConnectionLostError(query=query)
        case TimeoutError() if error.errno is None:  # asyncpg's own, not the network's
            return errors.ConnectionLostError(
                "no answer came within command_timeout, so a write's outcome is unknown; repeat it"
                " with the same id, and look for a lock",
                query=query,
            )
        case OSError():
            return errors.ConnectionLostError(query=query)
    return None


def explain_connect(error: Exception, query: str | None = None) -> errors.DalError | None:
    """As `explain`, for a failure to connect: nothing was sent, so nothing can be lost."""
    failure = explain(error, query)
    if isinstance(failure, errors.ConnectionLostError):
        return errors.DatabaseUnavailableError(sqlstate=failure.sqlstate)
    if isinstance(error, asyncpg.InterfaceError) and type(failure) is errors.DalError:
        return errors.DatabaseUnavailableError()
    if isinstance(failure, errors.SchemaMismatchError | errors.InvalidInputError):
        return errors.ConfigurationError(
            "DATABASE_URL asks for a setting that the server does not take",
            sqlstate=failure.sqlstate,
        )
    return failure


async def translated(
    call: Callable[..., Awaitable[Result]],
    *args: object,
    query: str | None = None,
    explain: Callable[[Exception, str | None], errors.DalError | None] = explain,
) -> Result:
    """Await `call(*args)`; where the database fails it, raise the error that a caller should see.

    The call is made in here, because asyncpg raises some failures at the call, not at the await.
    """
    try:
        return await call(*args)
    except Exception as error:
        failure = explain(error, query)
        if failure is None:
            raise
    # Out here the original, which may quote the row, is not chained to this one.
    raise failure


def _explain_argument(
    error: Exception, query: str | None, parameters: Sequence[str]
) -> errors.DalError:
    """asyncpg's own error: it can't encode an argument as the type that the server asks for."""
    text = str(error)
    number = _ARGUMENT.search(text)
    place = int(number[1]) - 1 if number else len(parameters)
    name = parameters[place] if place < len(parameters) else "an argument"
    if _OUT_OF_RANGE.search(text):
        return errors.InvalidInputError(f"{name}: is out of the column's range", query=query)
    return errors.SchemaMismatchError(
        f"{name}: the database expects another type than the stub's; run dal check to see both,"
        " and dal status to see whether a migration is pending",
        query=query,
    )


def _refused(sqlstate: str, text: str) -> tuple[str, dict[str, str]]:
    """What an error's text says of it: its own SQLSTATE, and the names that it has."""
    for own, pattern in _REFUSED.items():
        if sqlstate in (own, INTERNAL_ERROR) and (match := pattern.fullmatch(text)):
            return own, match.groupdict()
    return sqlstate, {}


def _explain_postgres(error: asyncpg.PostgresError, query: str | None) -> errors.DalError:
    # asyncpg sets these as the server sends them, so no annotation knows them.
    sqlstate: str = getattr(error, "sqlstate", None) or ""
    sqlstate, names = _refused(sqlstate, str(error).partition("\n")[0])  # without its DETAIL
    table, column, constraint = (
        getattr(error, f"{name}_name", None) or names.get(name)
        for name in ("table", "column", "constraint")
    )
    kind = error_class(sqlstate)
    message = _ADVICE.get(sqlstate) or _ADVICE.get(sqlstate[:2])
    if policy := _POLICY.get((sqlstate, getattr(error, "server_source_function", None))):
        kind, message = errors.PermissionDeniedError, policy
    if sqlstate == "23502":
        message = f"{table} requires a {column}, which dal does not know"
    elif kind is errors.SchemaMismatchError:
        # Only what was found while reading the statement has a position; a cast that fails later,
        # such as :name::regclass, quotes the value.
        problem = error.args[0] if getattr(error, "position", None) else f"SQLSTATE {sqlstate}"
        message = f"{problem}; run `dal migrate`, or compare the table with the migrations"
    elif kind in (errors.InvalidInputError, errors.ConflictError):
        rule = f"constraint {constraint}" if constraint else f"SQLSTATE {sqlstate}"
        message = f"the database refuses this: {rule}"
    elif kind is errors.DalError and message is None:
        message = f"the database failed with SQLSTATE {sqlstate}; its log says more"
    return kind(message, query=query, sqlstate=sqlstate or None, constraint=constraint)
