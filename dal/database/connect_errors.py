"""Why a host can't be used: one sentence for each reason, the same for both drivers."""

import asyncio
import errno
import os
import re
import socket
import ssl
import struct
from collections.abc import Mapping
from contextlib import suppress

import asyncpg

from dal import errors
from dal.database.address import host_and_port
from dal.database.failures import explain_connect
from dal.database.parameters import TLS_REQUIRED
from dal.database.sqlstates import TOO_MANY_CONNECTIONS

_CHECK = "check that the server runs, and host and port in DATABASE_URL"
# Beginnings of what PgBouncer says, with one SQLSTATE for all, and PostgreSQL's for the same.
_POOLERS = (
    ("password authentication failed|no such user", "28P01"),
    ('no such database|database ".*" does not exist', "3D000"),
    ("no more connections allowed", TOO_MANY_CONNECTIONS),
    ("unsupported startup parameter", "42704"),
)
_REFUSALS = {
    "08P01": "the pooler there, or the server behind it, takes no connection; its log says why",
    "55000": "the database takes no connections; its owner can ALTER DATABASE ... ALLOW_CONNECTIONS"
    " true",
}
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_PATIENCE_SECONDS = 3.0


class TlsError(errors.DatabaseUnavailableError):
    """TLS can't be had with this server, or its certificate is not trusted."""


async def reason(
    error: Exception, *, host: str, port: int, parameters: Mapping[str, str]
) -> errors.DalError | None:
    """Why connecting to a host failed; None if this error is not the database's.

    Parameters:
        error: what asyncpg raised.
        host, port: where; a host that begins with a slash is a socket's directory.
        parameters: the address's.
    """
    where = host_and_port(host, port)
    match error:
        case asyncpg.TargetServerAttributeNotMatched():
            wanted = parameters.get("target_session_attrs")
            return errors.DatabaseUnavailableError(
                f"{where} is not what target_session_attrs={wanted} asks for"
            )
        case ssl.SSLCertVerificationError():
            return TlsError(
                f"the certificate of {where} is not trusted ({error.verify_message}); set"
                " sslrootcert to the CA's certificate, and use the host name that it certifies"
            )
        case socket.gaierror() | UnicodeError():  # UnicodeError: not a host name at all
            return errors.DatabaseUnavailableError(
                f"the host name {host} can't be resolved; check it in DATABASE_URL, and this"
                " machine's name service (DNS)"
            )
        case OSError() if sentence := _unreached(_numbers(error), where):
            return errors.DatabaseUnavailableError(sentence)
        case OSError() | asyncpg.ConnectionDoesNotExistError():
            return await _looked_at(error, where, host, port, parameters)
        case asyncpg.PostgresError():
            return _refused(error, where)
        case asyncpg.InterfaceError() | asyncpg.InternalClientError() if (
            "authentication" in str(error).lower()
        ):
            return errors.ConfigurationError(
                f"{where} requires an authentication method that asyncpg does not support; allow"
                " passwords (scram-sha-256) in pg_hba.conf"
            )
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return await _looked_at(error, where, host, port, parameters)
    return None


def _refused(error: asyncpg.PostgresError, where: str) -> errors.DalError | None:
    """The error of a server, or of a pooler in front of it, that refuses a connection."""
    sqlstate: str = getattr(error, "sqlstate", None) or ""  # no annotation of asyncpg's knows it
    if sqlstate == "08P01":
        sqlstate = next((code for words, code in _POOLERS if re.match(words, str(error))), sqlstate)
        error = asyncpg.PostgresError.new({"C": sqlstate, "M": ""})
    if sentence := _REFUSALS.get(sqlstate):
        return errors.DatabaseUnavailableError(f"{where}: {sentence}", sqlstate=sqlstate)
    known = explain_connect(error)
    return known and type(known)(f"{where}: {known}", sqlstate=sqlstate)


def _numbers(error: OSError) -> list[int]:
    """The system's error numbers; a name with several addresses has one for each."""
    if error.errno is not None:
        return [error.errno]
    return [int(number) for number in re.findall(r"\[Errno (\d+)\]", str(error))]


def _unreached(numbers: list[int], where: str) -> str | None:
    """The sentence for a system error; None where a connection was made."""
    match numbers:
        case [] | [errno.ECONNRESET | errno.EPIPE | errno.ECONNABORTED]:
            return None
        case [errno.ENOENT | errno.ENOTDIR]:
            return f"there is no socket {where}; {_CHECK}"
        case [errno.EACCES | errno.EPERM] if where.startswith("/"):
            return f"this user may not use the socket {where}; let it into the directory"
    if errno.ECONNREFUSED in numbers:
        return f"nothing listens at {where}; {_CHECK}"
    return f"{where} can't be reached ({os.strerror(numbers[0])}); {_CHECK}"


async def _looked_at(
    error: Exception, where: str, host: str, port: int, parameters: Mapping[str, str]
) -> errors.DatabaseUnavailableError:
    """The error that follows from the other side's own answer, which asyncpg does not show."""
    try:
        answer = await _answer(host, port)
    except OSError:
        return errors.DatabaseUnavailableError(
            f"{where} does not answer; {_CHECK}, and the firewalls between"
        )
    mode = parameters.get("sslmode", "prefer")
    if answer not in (b"S", b"N", b"") and not answer.startswith(b"E"):
        spoken = " but HTTP" if answer.startswith(b"HTTP") else ""
        return errors.DatabaseUnavailableError(
            f"{where} does not speak PostgreSQL's protocol{spoken}; check host and port in"
            " DATABASE_URL"
        )
    if answer == b"N" and mode in TLS_REQUIRED.split("|"):
        return TlsError(f"{where} has no TLS, which sslmode={mode} asks for")
    if isinstance(error, ssl.SSLError):
        direct = parameters.get("sslnegotiation") == "direct"
        hint = "; sslnegotiation=direct needs PostgreSQL 17 or later" if direct else ""
        return TlsError(f"TLS with {where} failed ({error.reason or error.strerror}){hint}")
    if isinstance(error, TimeoutError):
        return errors.DatabaseUnavailableError(
            f"{where} answers, but no login succeeded within connect_timeout; look at its load and"
            " log"
        )
    return errors.DatabaseUnavailableError(
        f"{where} closed the connection before it could be used; its log says why"
    )


async def _answer(host: str, port: int) -> bytes:
    """The other side's answer to a request for TLS: `S` or `N`, if it is PostgreSQL.

    Raises:
        OSError: no connection could be made.
    """
    async with asyncio.timeout(_PATIENCE_SECONDS):
        if host.startswith("/"):
            reader, writer = await asyncio.open_unix_connection(host_and_port(host, port))
        else:
            reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_SSL_REQUEST)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await reader.read(16)
    except TimeoutError:
        return b"nothing"
    except OSError:
        return b""
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
