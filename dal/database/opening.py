"""Opens connections: an address's hosts are tried in turn, until one is suitable."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from dal import errors
from dal.database import tls
from dal.database.address import Address
from dal.database.connect_errors import reason

_FAILURES = (
    OSError,
    ValueError,  # from asyncpg's reading of the arguments
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


async def open_connection(
    address: Address, *, application_name: str, session: Mapping[str, str] = {}, **settings: Any
) -> Any:
    """Connect to the first suitable host.

    Parameters:
        address: where.
        application_name: the session's name, unless the address has one.
        session: server settings that override the address's.
        settings: `asyncpg.connect`'s own.

    Raises:
        ConfigurationError: a host refuses the user, the database or a setting, or a file that TLS
            needs can't be used.
        DatabaseUnavailableError: no host is suitable; says why for each of them.
        DalError: a host refuses otherwise, such as PermissionDeniedError.
    """
    wanted = address.parameters.get("target_session_attrs", "any")
    failures: dict[str, errors.DalError] = {}
    for attributes in ("standby", "any") if wanted == "prefer-standby" else (wanted,):
        for arguments in address.for_asyncpg():
            own = {"application_name": application_name, **arguments["server_settings"], **session}
            arguments |= {"server_settings": own, "target_session_attrs": attributes}
            try:
                return await _connect(address, arguments | settings)
            except _FAILURES as error:
                refused = error
            # Out here the original, which may quote what is secret, is not chained to it.
            failure = await _explained(refused, address, arguments["host"], arguments["port"])
            if failure is None:
                raise refused
            if not _leaves_others(failure):
                raise failure
            failures[str(failure)] = failure
    *_, last = failures.values()
    raise type(last)("; ".join(failures), sqlstate=last.sqlstate)


async def _connect(address: Address, arguments: dict[str, Any]) -> Any:
    hidden = address.uses_tls(arguments["host"]) and tls.home_is_hidden()
    if not hidden or "ssl" in arguments:
        return await asyncpg.connect(**arguments)
    context = tls.context(address.parameters)  # asyncpg's own would look into the home directory
    modes = {"prefer": (context, False), "allow": (False, context)}
    first, second = modes.get(address.parameters.get("sslmode", "prefer"), (context, None))
    try:
        return await asyncpg.connect(**arguments, ssl=first)
    except (OSError, asyncpg.PostgresError):
        if second is None:
            raise
    return await asyncpg.connect(**arguments, ssl=second)


async def _explained(
    error: Exception, address: Address, host: str, port: int
) -> errors.DalError | None:
    if address.uses_tls(host):
        try:
            tls.context(address.parameters)  # a file may be the reason
        except errors.ConfigurationError as unusable:
            return unusable
    return await reason(error, host=host, port=port, parameters=address.parameters)


def _leaves_others(failure: errors.DalError) -> bool:
    """Whether another host may succeed."""
    unavailable = isinstance(failure, errors.DatabaseUnavailableError)
    return unavailable and failure.sqlstate in (None, "57P03")
