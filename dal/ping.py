"""Connects to a server and describes it."""

import asyncio
import ssl
import time
from dataclasses import dataclass

from dal import errors, migrate
from dal.database.address import Address
from dal.database.failures import explain_connect, translated
from dal.database.opening import open_connection
from dal.database.pooler import is_behind_pooler
from dal.distribute import distribution
from dal.migrate.folder import project_of
from dal.migrate.migration import DAL_FOLDERS, Folders

_ABOUT = "SELECT current_setting('server_version') AS version, current_user::text AS role"


@dataclass(frozen=True, slots=True)
class PingResult:
    """The result of `dal ping`.

    Attributes:
        version: the server's version.
        role: the role of our session.
        tls: the protocol between us and the server (or its pooler), or None.
        pooler: whether a pooler is in front of the server.
        schema: the last migration that is applied, how many are pending, or that it does not fit.
        distribution: the tables that are distributed over a cluster, and how; None if none is.
        seconds: one round trip.
    """

    version: str
    role: str
    tls: str | None
    pooler: bool
    schema: str
    distribution: str | None
    seconds: float


def ping(url: str, folders: Folders = DAL_FOLDERS) -> PingResult:
    """Connect to the server at an address, and describe it.

    Parameters:
        url: the address.
        folders: the migrations that are meant to be applied there.

    Raises:
        DalError: no answer came; says why.
    """
    address = Address.parse(url)
    answer = asyncio.run(translated(_ask, address, query="ping", explain=explain_connect))
    version, role, tls, pooler, seconds = answer
    spread = distribution(url, application_name="dal ping")
    return PingResult(version, role, tls, pooler, _schema(url, folders), spread, seconds)


def _schema(url: str, folders: Folders) -> str:
    try:
        states = migrate.status(url, folders=folders, application_name="dal ping")
    except errors.PermissionDeniedError:  # a service's role needs no sight of it
        return "unknown: the role may not read which migrations are applied"
    applied = [state.id for state in states if state.applied_at]
    pending = len(states) - len(applied)
    newest = {project_of(name): name for name in applied}  # of each project
    last = ", ".join(newest.values()) or "none"
    if any(state.problem for state in states):
        return f"{last}, which does not fit: dal status says why"
    return f"{last}, {pending} pending: run dal migrate" if pending else last


async def _ask(address: Address) -> tuple[str, str, str | None, bool, float]:
    connection = await open_connection(address, application_name="dal ping", statement_cache_size=0)
    try:
        # A standby refuses what the defaults may make of it: a serializable transaction.
        async with connection.transaction(isolation="read_committed"):
            about = await connection.fetchrow(_ABOUT)
            pooler = await is_behind_pooler(connection)
            start = time.perf_counter()
            await connection.execute("SELECT 1")
            seconds = time.perf_counter() - start
        # asyncpg has no public way to ask for its own TLS; pg_stat_ssl would show the pooler's.
        channel: ssl.SSLObject | None = connection._transport.get_extra_info("ssl_object")
        tls = channel.version() if channel else None
        return about["version"], about["role"], tls, pooler, seconds
    finally:
        await connection.close()
