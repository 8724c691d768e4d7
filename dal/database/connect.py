"""Makes a database from an address and settings."""

import os
from typing import Literal

from dal.database.address import Address
from dal.database.database import Database
from dal.database.settings import PoolSettings
from dal.errors import ConfigurationError


def connect(
    dsn: str | None = None,
    *,
    min_size: int | None = None,
    max_size: int | None = None,
    acquire_timeout: float | None = None,
    recycle_after: float | None = None,
    command_timeout: float | None = None,
    application_name: str | None = None,
    prepared_statements: Literal["auto", "on", "off"] | None = None,
    slow_call: float | None = None,
) -> Database:
    """Connect to PostgreSQL.

        async with dal.connect() as db: ...

        db = await dal.connect()        # and later: await db.close()

    An argument that is left out is taken from the environment variable named here, else it has its
    default.

    Parameters:
        dsn: `postgresql://user:password@host:port/database`, with libpq's parameters
            (DATABASE_URL).
        min_size: connections opened at once (DAL_MIN_SIZE, 10 or max_size if that is less).
        max_size: connections at most (DAL_MAX_SIZE, 30).
        acquire_timeout: seconds that a call waits for a connection (DAL_ACQUIRE_TIMEOUT, 30).
        recycle_after: seconds after which connections are replaced by new ones
            (DAL_RECYCLE_AFTER, 3600).
        command_timeout: seconds that a call waits for a statement's answer
            (DAL_COMMAND_TIMEOUT, 30).
        application_name: this service's name in pg_stat_activity, unless the address has one
            (DAL_APPLICATION_NAME, `dal`).
        prepared_statements: `auto` does without them behind a pooler, which may run a statement
            on another server connection than the one that prepared it; `on` is for poolers that
            keep track (PgBouncer 1.21 with max_prepared_statements); `off` never keeps any
            (DAL_PREPARED_STATEMENTS, auto).
        slow_call: seconds; a function's call that takes as long, or longer, is logged by the
            logger `dal.slow` at its end, with its name, duration, and rows or error. It is for
            calls through the database and its transactions (DAL_SLOW_CALL, no such lines).

    Raises:
        ConfigurationError: a setting or the address is missing or wrong, or the server refuses
            the user.
        DatabaseUnavailableError: the server can't be reached.
    """
    settings = PoolSettings.read(
        {
            "min_size": min_size,
            "max_size": max_size,
            "acquire_timeout": acquire_timeout,
            "recycle_after": recycle_after,
            "command_timeout": command_timeout,
            "application_name": application_name,
            "prepared_statements": prepared_statements,
            "slow_call": slow_call,
        }
    )
    address = dsn or os.environ.get("DATABASE_URL")
    if not address:
        raise ConfigurationError(
            "no database address; set DATABASE_URL=postgresql://user:password@host:5432/database"
            " or pass it to dal.connect"
        )
    return Database(Address.parse(address), settings)
