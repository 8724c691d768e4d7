"""Reaches a server and says what is there."""

import asyncio
import ssl
import time
from dataclasses import dataclass

import asyncpg

from dal import errors, migrate
from dal.database.address import Address
from dal.database.failures import explain_connect
from dal.database.pooler import is_pooled

_ABOUT = "SELECT current_setting('server_version') AS version, current_user::text AS role"


@dataclass(frozen=True, slots=True)
class Answer:
    """What `dal ping` found.

    Attributes:
        version: the server's version.
        role: whom the server takes us for.
        tls: the protocol between us and the server (or its pooler), or None.
        pooler: whether a pooler stands between.
        schema: the last migration that is applied, and how many are pending.
        seconds: one round trip.
    """

    version: str
    role: str
    tls: str | None
    pooler: bool
    schema: str
    seconds: float


class PingError(Exception):
    """The server did not answer; `code` is the exit status for the reason."""

    def __init__(self, error: errors.DalError, code: int) -> None:
        super().__init__(str(error))
        self.code = code


def ping(url: str) -> Answer:
    """Ask the server at an address.

    Raises:
        PingError: with a sentence and an exit status: 3 the address is wrong, 4 nothing answers
            there, 5 TLS can't be had or its certificate is not trusted, 6 the user or password is
            refused, 7 the database does not exist, 8 the server has no connection left, 9 a
            privilege is missing, 1 anything else.
    """
    try:
        address = Address.parse(url)
    except errors.ConfigurationError as error:
        raise PingError(error, 3) from None
    try:
        version, role, tls, pooler, seconds = asyncio.run(_ask(address))
        return Answer(version, role, tls, pooler, _schema(url), seconds)
    except Exception as error:
        known = explain_connect(error)
        if known is None:
            raise
        failure = PingError(known, _code(error, known))
    raise failure


def _schema(url: str) -> str:
    try:
        states = migrate.status(url)
    except errors.PermissionDeniedError:  # a service's role needs no sight of it
        return "unknown: the role may not read which migrations are applied"
    applied = [state.id for state in states if state.applied_at]
    pending = len(states) - len(applied)
    last = applied[-1] if applied else "none"
    return f"{last}, {pending} pending: run make migrate" if pending else last


async def _ask(address: Address) -> tuple[str, str, str | None, bool, float]:
    connection = await asyncpg.connect(**address.for_asyncpg(), statement_cache_size=0)
    try:
        about = await connection.fetchrow(_ABOUT)
        pooler = await is_pooled(connection)
        start = time.perf_counter()
        await connection.execute("SELECT 1")
        seconds = time.perf_counter() - start
        # asyncpg has no public word on its own leg's TLS; pg_stat_ssl would tell the pooler's leg.
        channel: ssl.SSLObject | None = connection._transport.get_extra_info("ssl_object")
        tls = channel.version() if channel else None
        return about["version"], about["role"], tls, pooler, seconds
    finally:
        await connection.close()


_BY_SQLSTATE = {"28": 6, "3D000": 7, "53300": 8, "42501": 9, "25006": 10}


def by_sqlstate(sqlstate: str | None) -> int | None:
    """The exit status for what a server refuses."""
    return _BY_SQLSTATE.get(sqlstate or "") or _BY_SQLSTATE.get((sqlstate or "")[:2])


def _code(error: Exception, known: errors.DalError) -> int:
    if code := by_sqlstate(known.sqlstate):
        return code
    if isinstance(known, errors.ConfigurationError):
        return 3
    if isinstance(error, ssl.SSLError) or "SSL" in str(error):
        return 5
    return 4 if isinstance(error, OSError | errors.DatabaseUnavailableError) else 1
