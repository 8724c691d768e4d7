"""The one reader of database addresses, for asyncpg and for psycopg (libpq).

Both get every part by its name, so they agree on what an address means: libpq's rules decide,
and what either of them can't honour is refused for both.
"""

import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, unquote, urlencode

from dal.database import environment, passfile
from dal.database.parameters import (
    ACCEPTED,
    IN_DSN,
    SERVER_SETTINGS,
    TLS_FILES,
    TLS_RANGE,
    TLS_REQUIRED,
    checked,
    warn,
    wrong,
)

_SCHEME = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")
# Another @ than the one before the hosts is probably an unencoded one of the password, the rest of
# which would be read, and shown, as a host, a database or a parameter.
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
        parameters: libpq's parameters by their names, completed from the environment (PGHOST,
            PGPASSWORD, ...); user, dbname, host, port and connect_timeout are always there.
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
            raise wrong("it must be like postgresql://user:password@host:5432/database")
        if re.search(r"[\s\x00-\x1f\x7f]", url):
            raise wrong("it contains a space or a line break; remove it, or write a space as %20")
        match = _URL.fullmatch(url, scheme.end())
        if not match or re.search(r"%(?![0-9A-Fa-f]{2})", url):
            raise wrong(
                "a special character is not percent-encoded; in a user, password, database or"
                " value write @ as %40, / as %2F, # as %23, ? as %3F and % as %25"
            )
        parts = match.groupdict()
        parameters, settings = _query(parts.pop("query") or "")
        parts |= _hosts(parts.pop("hosts"))
        parameters = {name: _decoded(text) for name, text in parts.items() if text} | parameters
        added, session, source = environment.read(parameters)
        parameters = _agreeing(added | parameters, source)
        return cls(environment.defaults(parameters) | parameters, session | settings)

    @property
    def hosts(self) -> list[tuple[str, int]]:
        """Each host (or socket's directory) with its port, in the order in which to try them."""
        hosts, ports = self.parameters["host"].split(","), self.parameters["port"].split(",")
        if len(ports) == 1:
            ports *= len(hosts)
        return [(host, int(port)) for host, port in zip(hosts, ports, strict=True)]

    def uses_tls(self, host: str) -> bool:
        """Whether TLS is tried with one of the hosts."""
        return not host.startswith("/") and self.parameters.get("sslmode") != "disable"

    @property
    def demands_primary(self) -> bool:
        """Whether the address asks for a server that accepts writes."""
        return self.parameters.get("target_session_attrs") in ("primary", "read-write")

    def of_database(self, name: str) -> str:
        """The address of another database of the same server."""
        return "postgresql://?" + urlencode(
            {**self.parameters, **self.settings, "dbname": name}, quote_via=quote
        )

    def for_asyncpg(self) -> list[dict[str, Any]]:
        """Arguments for `asyncpg.connect`, for one host after the other."""
        parameters = self.parameters
        if parameters.get("channel_binding") == "require":
            warn("asyncpg has no channel binding; channel_binding=require only requires TLS")
        in_dsn = {name: value for name, value in parameters.items() if name in IN_DSN}
        arguments: dict[str, Any] = {
            "dsn": "postgresql://?" + urlencode(in_dsn),
            "user": parameters["user"],
            "database": parameters["dbname"],
            "timeout": max(int(parameters["connect_timeout"]), 0) or None,
        }
        if parameters.get("sslrootcert") == "system":
            arguments["ssl"] = True  # Python's default context, which does the same
        name = parameters.get("application_name") or parameters.get("fallback_application_name")
        session = {"options": parameters.get("options"), "application_name": name} | self.settings
        arguments["server_settings"] = {name: value for name, value in session.items() if value}
        return [
            # Always a password, even "", or asyncpg would look for one by rules of its own.
            arguments | {"host": host, "port": port, "password": self._password(host, port) or ""}
            for host, port in self.hosts
        ]

    def for_psycopg(self) -> dict[str, Any]:
        """Arguments for `psycopg.connect`, which are libpq's parameters."""
        arguments: dict[str, Any] = dict(self.parameters)
        passwords = {self._password(host, port) for host, port in self.hosts}
        if len(passwords) == 1 and (password := passwords.pop()):
            arguments["password"] = password  # else libpq finds each host's by itself
        for name, value in self.settings.items():
            escaped = re.sub(r"([\\\s])", r"\\\1", value)
            arguments["options"] = f"{arguments.get('options', '')} -c {name}={escaped}".lstrip()
        return arguments

    def _password(self, host: str, port: int) -> str | None:
        parameters = self.parameters
        return parameters.get("password") or passfile.password(
            parameters.get("passfile"),
            host=host,
            port=port,
            database=parameters["dbname"],
            user=parameters["user"],
        )

    def __repr__(self) -> str:
        shown = ("user", "host", "port", "dbname")
        parts = (f"{name}={self.parameters[name]!r}" for name in shown)
        return f"Address({', '.join(parts)})"


def host_and_port(host: str, port: int) -> str:
    """A host with its port, or a socket's path, for a message."""
    if host.startswith("/"):
        return f"{host}/.s.PGSQL.{port}"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _decoded(text: str) -> str:
    decoded = unquote(text, errors="surrogateescape")  # unlike a URL's form, + is no space
    if re.search("[\0\ud800-\udfff]", decoded):
        raise wrong("it must be UTF-8 without %00; percent-encode it anew")
    return decoded


def _hosts(text: str) -> dict[str, str]:
    matches = [_AUTHORITY.fullmatch(host) for host in text.split(",")]
    if not all(matches):
        raise wrong("host must be like name:5432, or an IPv6 address in brackets: [::1]:5432")
    hosts, ports = zip(
        *((match[1] or match[2], match[3] or "") for match in matches if match), strict=True
    )
    return {"host": ",".join(hosts), "port": ",".join(ports)}


def _query(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The parameters of libpq, and the server settings; those with an empty value are left out."""
    parameters: dict[str, str] = {}
    settings: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        if pair.count("=") != 1:
            raise wrong("a parameter must be like name=value; write = as %3D and & as %26 in both")
        name, value = map(_decoded, pair.split("="))
        # After password=, an unknown name may be the rest of a password with an unencoded &.
        secret = name not in ACCEPTED and ("password" in parameters or "sslpassword" in parameters)
        shown = name if _NAME.fullmatch(name) and not secret else "a parameter"
        into = parameters
        if known := checked(name, value, shown=shown, source="the database address"):
            name, value = known
        elif name.lower() in SERVER_SETTINGS or ("." in name and _NAME.fullmatch(name)):
            name, into = name.lower(), settings
        else:
            import difflib  # imported only where a name is unknown

            near = difflib.get_close_matches(name, [*ACCEPTED, *SERVER_SETTINGS], n=1)
            other = "remove it, write a & of a value as %26, or put a server setting into options"
            raise wrong(f"{shown} is unknown; {f'did you mean {near[0]}?' if near else other}")
        if name in into:
            raise wrong(f"{shown} is given twice; keep one (commas separate several hosts)")
        if value:
            into[name] = value
    return parameters, settings


def _agreeing(parameters: dict[str, str], source: str) -> dict[str, str]:
    """Check that the parameters are consistent, and set missing ports to 5432."""
    hosts, ports = parameters.get("host", "/").split(","), parameters.pop("port", "").split(",")
    if not all(map(_HOST.fullmatch, hosts)):
        raise wrong(
            "host must be names, addresses or absolute directories, split by commas", source
        )
    for port in filter(None, ports):
        if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise wrong("port must be a number from 1 to 65535", source)
    if len(ports) not in (1, len(hosts)):
        raise wrong("port must be one for all hosts, or one for each", source)
    ports = [port or "5432" for port in ports]
    parameters["port"] = ports[0] if len(set(ports)) == 1 else ",".join(ports)
    if parameters.get("sslrootcert") == "system":
        if parameters.setdefault("sslmode", "verify-full") != "verify-full":
            raise wrong("sslrootcert=system needs sslmode=verify-full", source)
        if clash := [name for name in (*TLS_FILES, *TLS_RANGE) if name in parameters]:
            raise wrong(
                f"{clash[0]} can't be used with sslrootcert=system; name a root file", source
            )
    tls_required = parameters.get("sslmode") in TLS_REQUIRED.split("|")
    for name, value in (("channel_binding", "require"), ("sslnegotiation", "direct")):
        if parameters.get(name) == value and not tls_required:
            needed = TLS_REQUIRED.replace("|", " or ")
            raise wrong(f"{name}={value} needs sslmode={needed}", source)
    return parameters
