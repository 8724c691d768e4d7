"""What the environment and the system add to an address: libpq's rules, for both drivers."""

import os
import re
from pathlib import Path

from dal.database.parameters import ACCEPTED, TEXT, checked, wrong

# All that libpq's documentation lists, but for what changes nothing here: PGCLIENTENCODING (all of
# it is UTF8), PGLOCALEDIR, and PGSERVICEFILE and PGSYSCONFDIR, which only say where services are.
VARIABLES = {
    "PGHOST": "host",
    "PGHOSTADDR": "hostaddr",
    "PGPORT": "port",
    "PGDATABASE": "dbname",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGPASSFILE": "passfile",
    "PGREQUIREAUTH": "require_auth",
    "PGCHANNELBINDING": "channel_binding",
    "PGSERVICE": "service",
    "PGOPTIONS": "options",
    "PGAPPNAME": "application_name",
    "PGSSLMODE": "sslmode",
    "PGREQUIRESSL": "requiressl",
    "PGSSLNEGOTIATION": "sslnegotiation",
    "PGSSLCOMPRESSION": "sslcompression",
    "PGSSLCERT": "sslcert",
    "PGSSLKEY": "sslkey",
    "PGSSLCERTMODE": "sslcertmode",
    "PGSSLROOTCERT": "sslrootcert",
    "PGSSLCRL": "sslcrl",
    "PGSSLCRLDIR": "sslcrldir",
    "PGSSLSNI": "sslsni",
    "PGREQUIREPEER": "requirepeer",
    "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
    "PGSSLMAXPROTOCOLVERSION": "ssl_max_protocol_version",
    "PGGSSENCMODE": "gssencmode",
    "PGKRBSRVNAME": "krbsrvname",
    "PGGSSLIB": "gsslib",
    "PGGSSDELEGATION": "gssdelegation",
    "PGCONNECT_TIMEOUT": "connect_timeout",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGLOADBALANCEHOSTS": "load_balance_hosts",
    "PGMINPROTOCOLVERSION": "min_protocol_version",
    "PGMAXPROTOCOLVERSION": "max_protocol_version",
}
_SESSION = {"PGDATESTYLE": "datestyle", "PGTZ": "timezone", "PGGEQO": "geqo"}
_UNSET = ("", "default")

CONNECT_TIMEOUT_SECONDS = 30
_SOCKETS = ("/run/postgresql", "/var/run/postgresql", "/tmp", "/private/tmp")  # noqa: S108


def read(in_address: dict[str, str]) -> tuple[dict[str, str], dict[str, str], str]:
    """The environment's values of the parameters that an address leaves out.

    Returns:
        The parameters, the server settings, and the source that error messages name.

    Raises:
        ConfigurationError: names the variable.
    """
    parameters, used = {}, []
    for variable, name in VARIABLES.items():
        value = os.environ.get(variable)
        if value is None or name in in_address:
            continue
        if re.search("[\ud800-\udfff]", value):
            raise wrong(f"{variable} must be UTF-8", "the environment")
        checked(name, value, shown=variable, source="the environment")
        if value:
            parameters[name] = value
            used.append(variable)
        elif ACCEPTED[name] != TEXT:  # as libpq does
            raise wrong(f"{variable} is empty; unset it", "the environment")
    session = {name: os.environ.get(variable, "") for variable, name in _SESSION.items()}
    settings = {name: value for name, value in session.items() if value.lower() not in _UNSET}
    source = f"the database address with {', '.join(used)}" if used else "the database address"
    return parameters, settings, source


def defaults(parameters: dict[str, str]) -> dict[str, str]:
    """The parameters that neither the address nor the environment sets.

    Raises:
        ConfigurationError: the process's user has no name.
    """
    user = parameters.get("user") or _user()
    sockets = (
        folder for folder in _SOCKETS if exists(Path(folder, f".s.PGSQL.{parameters['port']}"))
    )
    return {
        "user": user,
        "dbname": user,
        # libpq's own depends on who built it, and asyncpg has another.
        "host": next(sockets, "localhost"),
        "connect_timeout": str(CONNECT_TIMEOUT_SECONDS),
    }


def home() -> Path | None:
    """The user's home directory; None where there is none."""
    try:
        return Path(os.environ.get("HOME") or Path.home())
    except RuntimeError:
        return None


def exists(path: Path) -> bool:
    """Whether a file exists, and this process may see it."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def _user() -> str:
    try:
        import pwd  # Windows has none

        return pwd.getpwuid(os.geteuid()).pw_name
    except (ImportError, KeyError):
        raise wrong(
            "it names no user, and this process's user id has no name; write user@ before the host,"
            " or set PGUSER"
        ) from None
