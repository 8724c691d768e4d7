"""The one reader of database addresses, for asyncpg and for psycopg (libpq).

Both get every part by its name, so they agree on what an address means: libpq's rules decide,
and what one of the two could not honour is refused for both.
"""

import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Self
from urllib.parse import quote, unquote, urlencode

from dal.errors import ConfigurationError

_TLS_REQUIRED = "require|verify-ca|verify-full"
_TLS_FILES = ("sslcert", "sslkey", "sslpassword", "sslcrl")
_TLS_RANGE = ("ssl_min_protocol_version", "ssl_max_protocol_version")
_TEXT, _NUMBER = "text", "a whole number"

# libpq's parameters, those of PostgreSQL 18, with the values that asyncpg can keep to. psycopg is
# given all of them. First those that asyncpg reads from its DSN by the same names.
_IN_DSN = {
    **dict.fromkeys(("user", "password", "passfile", "dbname"), _TEXT),
    "target_session_attrs": "any|read-write|read-only|primary|standby|prefer-standby",
    "sslmode": f"disable|allow|prefer|{_TLS_REQUIRED}",
    "sslnegotiation": "postgres|direct",
    "sslrootcert": _TEXT,  # `system` means the authorities that the system trusts
    **dict.fromkeys(_TLS_FILES, _TEXT),
    **dict.fromkeys(_TLS_RANGE, "TLSv1.2|TLSv1.3"),  # the older ones are insecure
    "krbsrvname": _TEXT,
    "gsslib": "gssapi|sspi",
}
_ACCEPTED = _IN_DSN | {
    **dict.fromkeys(("host", "port"), _TEXT),
    "load_balance_hosts": "disable",  # asyncpg tries hosts in their order
    "connect_timeout": _NUMBER,  # seconds; for each host to libpq, for all together to asyncpg
    # PgBouncer 1.18 refuses `options`, as it does search_path and statement_timeout.
    **dict.fromkeys(("options", "application_name", "fallback_application_name"), _TEXT),
    "client_encoding": "UTF8|UTF-8|utf8|utf-8|auto",  # asyncpg has no other
    "replication": "false|off|no|0",
    "min_protocol_version": "3.0",  # asyncpg speaks 3.0, which every maximum allows
    "max_protocol_version": "3.0|3.2|latest",
    # By these libpq notices a dead peer sooner. To asyncpg, command_timeout bounds the wait.
    **dict.fromkeys(("keepalives", "keepalives_idle", "keepalives_interval"), _NUMBER),
    **dict.fromkeys(("keepalives_count", "tcp_user_timeout"), _NUMBER),
    "channel_binding": "disable|prefer|require",  # asyncpg has none; see for_asyncpg
    "gssencmode": "disable|prefer",  # asyncpg never encrypts by GSS
    **dict.fromkeys(("gssdelegation", "sslcompression"), "0"),  # never done by asyncpg
    "sslcertmode": "allow",
    "sslsni": "1",
}
# The rest of libpq's, and what to do instead.
_REFUSED: dict[str, str] = {
    **dict.fromkeys(("service", "servicefile"), "write what the file says into the address"),
    "hostaddr": "asyncpg can't keep it apart from host; write the numeric address as host",
    "requirepeer": "asyncpg can't check it; protect the socket's directory instead",
    "require_auth": "asyncpg can't check it; ask for TLS with sslmode=verify-full instead",
    "sslcrldir": "asyncpg reads a single file; use sslcrl",
    "sslkeylogfile": "set SSLKEYLOGFILE in the environment",
    **dict.fromkeys(("scram_client_key", "scram_server_key"), "asyncpg needs the password"),
    **dict.fromkeys(("oauth_issuer", "oauth_client_id"), "asyncpg has no OAuth; use a password"),
    **dict.fromkeys(("oauth_client_secret", "oauth_scope"), "asyncpg has no OAuth"),
}

# Server settings that may stand beside libpq's parameters, as they may in asyncpg's own DSN; so
# may all those with a dot in their name.
_SETTINGS = (
    *("search_path", "role", "timezone", "datestyle", "intervalstyle", "client_min_messages"),
    *("statement_timeout", "lock_timeout", "transaction_timeout", "idle_session_timeout"),
    *("idle_in_transaction_session_timeout", "default_transaction_isolation"),
    *("default_transaction_read_only", "synchronous_commit", "row_security", "jit", "work_mem"),
)

# As asyncpg and SQLAlchemy write them.
_ALIASES = {"database": "dbname", "ssl": "sslmode"}
_SSL = {"true": "require", "false": "disable"}

_SCHEME = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")
# An @ may only end the user: elsewhere it is likely to be the password's, which would then be
# taken for a host, a database or a parameter.
_URL = re.compile(
    r"(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<hosts>[^@/?#]*)(?:/(?P<dbname>[^@/?#]*))?(?:\?(?P<query>[^@#]*))?"
)
_AUTHORITY = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]*))(?::([^:]*))?")
_HOST = re.compile(r"/.*|[^/:@\s\[\]]+|(?=.*:.*:)[0-9A-Fa-f:.]+(?:%\w+)?", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


@dataclass(frozen=True, repr=False)
class Address:
    """Where a database is, and how to connect to it.

    Attributes:
        parameters: libpq's parameters by their names; what is absent is the driver's to choose,
            from the environment (PGHOST, PGPASSWORD, ...), the password file or its default.
        settings: server settings for the session.
    """

    parameters: dict[str, str]
    settings: dict[str, str]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `postgresql://user:password@host:port/database?parameter=value`.

        Raises:
            ConfigurationError: says which part is wrong and what to do, without any secret.
        """
        scheme = _SCHEME.match(url)
        if not scheme:
            raise _wrong("it must be like postgresql://user:password@host:5432/database")
        if re.search(r"[\s\x00-\x1f\x7f]", url):
            raise _wrong("it contains a space or a line break; remove it, or write a space as %20")
        found = _URL.fullmatch(url, scheme.end())
        if not found or re.search(r"%(?![0-9A-Fa-f]{2})", url):
            raise _wrong(
                "a special character is not percent-encoded; in a user, password, database or"
                " value write @ as %40, / as %2F, # as %23, ? as %3F and % as %25"
            )
        parts = found.groupdict()
        given, settings = _query(parts.pop("query") or "")
        parts |= _hosts(parts.pop("hosts"))
        parameters = {name: _decoded(text) for name, text in parts.items() if text}
        return cls(_checked(parameters | given), settings)

    @property
    def database(self) -> str | None:
        """The database's name; None leaves it to PGDATABASE, else to the user's name."""
        return self.parameters.get("dbname")

    def of_database(self, name: str) -> str:
        """The address of another database of the same server."""
        return "postgresql://?" + urlencode(
            {**self.parameters, **self.settings, "dbname": name}, quote_via=quote
        )

    def for_asyncpg(self) -> dict[str, Any]:
        """Arguments for `asyncpg.connect` and `asyncpg.create_pool`."""
        given = self.parameters
        in_dsn = {name: value for name, value in given.items() if name in _IN_DSN}
        arguments: dict[str, Any] = {"dsn": "postgresql://?" + urlencode(in_dsn)}
        if "host" in given:  # its DSN could not tell an IPv6 address from a port
            arguments["host"] = given["host"].split(",")
        if "port" in given:
            arguments["port"] = [int(port) for port in given["port"].split(",")]
        if "connect_timeout" in given:
            arguments["timeout"] = max(int(given["connect_timeout"]), 0) or None
        if given.get("sslrootcert") == "system":
            arguments["ssl"] = True  # Python's default context, which does the same
        if given.get("channel_binding") == "require":
            _warn("asyncpg has no channel binding; channel_binding=require only requires TLS")
        name = given.get("application_name") or given.get("fallback_application_name")
        session = {"options": given.get("options"), "application_name": name} | self.settings
        if any(session.values()):
            arguments["server_settings"] = {name: value for name, value in session.items() if value}
        return arguments

    def for_psycopg(self) -> dict[str, Any]:
        """Arguments for `psycopg.connect`, which are libpq's parameters."""
        arguments: dict[str, Any] = dict(self.parameters)
        for name, value in self.settings.items():
            escaped = re.sub(r"([\\\s])", r"\\\1", value)
            arguments["options"] = f"{arguments.get('options', '')} -c {name}={escaped}".lstrip()
        return arguments

    def __repr__(self) -> str:
        shown = ("user", "host", "port", "dbname")
        parts = (f"{name}={self.parameters[name]!r}" for name in shown if name in self.parameters)
        return f"Address({', '.join(parts)})"


@cache  # once, however many pools there are
def _warn(sentence: str) -> None:
    logging.getLogger("dal").warning(sentence)


def _wrong(sentence: str) -> ConfigurationError:
    return ConfigurationError(f"the database address is wrong: {sentence}")


def _decoded(text: str) -> str:
    decoded = unquote(text, errors="surrogateescape")  # unlike a URL's form, + is no space
    if re.search("[\0\ud800-\udfff]", decoded):
        raise _wrong("it must be UTF-8 without %00; percent-encode it anew")
    return decoded


def _hosts(text: str) -> dict[str, str]:
    found = [_AUTHORITY.fullmatch(one) for one in text.split(",")]
    if not all(found):
        raise _wrong("host must be like name:5432, or an IPv6 address in brackets: [::1]:5432")
    hosts, ports = zip(*((one[1] or one[2], one[3] or "") for one in found if one), strict=True)
    return {"host": ",".join(hosts), "port": ",".join(ports)}


def _query(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The parameters of libpq, and the server settings. An empty value is as good as none."""
    parameters: dict[str, str] = {}
    settings: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        if pair.count("=") != 1:
            raise _wrong("a parameter must be like name=value; write = as %3D and & as %26 in both")
        given, value = map(_decoded, pair.split("="))
        name, into = _ALIASES.get(given, given), parameters
        # Behind a password, a name may be the rest of it after an unencoded &.
        secret = name not in _ACCEPTED and ("password" in parameters or "sslpassword" in parameters)
        shown = given if _NAME.fullmatch(given) and not secret else "a parameter"
        if given == "ssl":
            value = _SSL.get(value.lower(), value)
        if name in _ACCEPTED:
            allowed = _ACCEPTED[name]
            number = re.fullmatch("[+-]?[0-9]{1,9}", value)
            fits = number if allowed == _NUMBER else value in allowed.split("|")
            if value and allowed != _TEXT and not fits:
                raise _wrong(f"{shown} must be {allowed.replace('|', ' or ')}; change or remove it")
        elif name.lower() in _SETTINGS or ("." in name and _NAME.fullmatch(name)):
            name, into = name.lower(), settings
        elif name in _REFUSED:
            raise _wrong(f"{shown} can't be used; {_REFUSED[name]}")
        else:
            import difflib  # imported only where a name is unknown

            near = difflib.get_close_matches(name, [*_ACCEPTED, *_SETTINGS], n=1)
            other = "remove it, write a & of a value as %26, or put a server setting into options"
            raise _wrong(f"{shown} is unknown; {f'did you mean {near[0]}?' if near else other}")
        if name in into:
            raise _wrong(f"{shown} is given twice; keep one (commas separate several hosts)")
        if value:
            into[name] = "UTF8" if name == "client_encoding" else value
    return parameters, settings


def _checked(given: dict[str, str]) -> dict[str, str]:
    """The parameters, if they agree with each other; ports are numbers then."""
    hosts, ports = given.get("host", "/").split(","), given.pop("port", "").split(",")
    if not all(map(_HOST.fullmatch, hosts)):
        raise _wrong("host must be names, addresses or absolute directories, split by commas")
    for port in filter(None, ports):
        if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise _wrong("port must be a number from 1 to 65535")
    if len(ports) not in (1, len(hosts)):
        raise _wrong("port must be one for all hosts, or one for each")
    if any(ports):
        given["port"] = ",".join(port or "5432" for port in ports)
    if given.get("sslrootcert") == "system":
        if given.setdefault("sslmode", "verify-full") != "verify-full":
            raise _wrong("sslrootcert=system needs sslmode=verify-full")
        if clash := [name for name in (*_TLS_FILES, *_TLS_RANGE) if name in given]:
            raise _wrong(f"{clash[0]} can't be used with sslrootcert=system; name a root file")
    for name, value in (("channel_binding", "require"), ("sslnegotiation", "direct")):
        if given.get(name) == value and given.get("sslmode") not in _TLS_REQUIRED.split("|"):
            raise _wrong(f"{name}={value} needs sslmode={_TLS_REQUIRED.replace('|', ' or ')}")
    return given
