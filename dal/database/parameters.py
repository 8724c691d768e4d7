"""libpq's parameters: those that both drivers honour, and those that are refused for both."""

import logging
import re
from functools import cache

from dal.errors import ConfigurationError

TLS_REQUIRED = "require|verify-ca|verify-full"
TLS_FILES = ("sslcert", "sslkey", "sslpassword", "sslcrl")
TLS_RANGE = ("ssl_min_protocol_version", "ssl_max_protocol_version")
TEXT, _NUMBER = "text", "a whole number"

# libpq's parameters as of PostgreSQL 18, with the values that asyncpg can honour too; psycopg gets
# all of them. asyncpg reads these from its DSN under the same names.
IN_DSN = {
    "target_session_attrs": "any|read-write|read-only|primary|standby|prefer-standby",
    "sslmode": f"disable|allow|prefer|{TLS_REQUIRED}",
    "sslnegotiation": "postgres|direct",
    "sslrootcert": TEXT,  # `system` means the authorities that the system trusts
    **dict.fromkeys(TLS_FILES, TEXT),
    **dict.fromkeys(TLS_RANGE, "TLSv1.2|TLSv1.3"),  # the older ones are insecure
    "krbsrvname": TEXT,
    "gsslib": "gssapi|sspi",
}
ACCEPTED = IN_DSN | {
    **dict.fromkeys(("host", "port", "user", "password", "passfile", "dbname"), TEXT),
    "load_balance_hosts": "disable",  # asyncpg tries hosts in their order
    "connect_timeout": _NUMBER,  # seconds for each host
    # PgBouncer 1.18 refuses `options`, as it does search_path and statement_timeout.
    **dict.fromkeys(("options", "application_name", "fallback_application_name"), TEXT),
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
REFUSED: dict[str, str] = {
    **dict.fromkeys(("service", "servicefile"), "write what the file says into the address"),
    "requiressl": "ask for TLS with sslmode=require",
    "hostaddr": "asyncpg can't keep it apart from host; write the numeric address as host",
    "requirepeer": "asyncpg can't check it; protect the socket's directory instead",
    "require_auth": "asyncpg can't check it; ask for TLS with sslmode=verify-full instead",
    "sslcrldir": "asyncpg reads a single file; use sslcrl",
    "sslkeylogfile": "set SSLKEYLOGFILE in the environment",
    **dict.fromkeys(("scram_client_key", "scram_server_key"), "asyncpg needs the password"),
    **dict.fromkeys(("oauth_issuer", "oauth_client_id"), "asyncpg has no OAuth; use a password"),
    **dict.fromkeys(("oauth_client_secret", "oauth_scope"), "asyncpg has no OAuth"),
}

# Server settings that an address may have besides libpq's parameters, as asyncpg's own DSN may; so
# may all those with a dot in their name.
SERVER_SETTINGS = (
    *("search_path", "role", "timezone", "datestyle", "intervalstyle", "client_min_messages"),
    *("statement_timeout", "lock_timeout", "transaction_timeout", "idle_session_timeout"),
    *("idle_in_transaction_session_timeout", "default_transaction_isolation"),
    *("default_transaction_read_only", "synchronous_commit", "row_security", "jit", "work_mem"),
)

# As asyncpg and SQLAlchemy write them.
_ALIASES = {"database": "dbname", "ssl": "sslmode"}
_SSL = {"true": "require", "false": "disable"}


def wrong(sentence: str, source: str = "the database address") -> ConfigurationError:
    """The error of a wrong address or environment."""
    return ConfigurationError(f"{source} is wrong: {sentence}")


@cache  # once, however many connections there are
def warn(sentence: str) -> None:
    """Log a warning."""
    logging.getLogger("dal").warning(sentence)


def checked(parameter: str, value: str, *, shown: str, source: str) -> tuple[str, str] | None:
    """The parameter's libpq name and its value, or None if libpq has no such parameter.

    Parameters:
        parameter: its name, libpq's or an alias.
        value: "" means none.
        shown, source: what an error calls the parameter, and where it comes from.

    Raises:
        ConfigurationError: one of the drivers can't honour it; says what to do.
    """
    name = _ALIASES.get(parameter, parameter)
    if name in REFUSED:
        raise wrong(f"{shown} can't be used; {REFUSED[name]}", source)
    if name not in ACCEPTED:
        return None
    if parameter == "ssl":
        value = _SSL.get(value.lower(), value)
    allowed = ACCEPTED[name]
    number = re.fullmatch("[+-]?[0-9]{1,9}", value)
    fits = number if allowed == _NUMBER else value in allowed.split("|")
    if value and allowed != TEXT and not fits:
        raise wrong(f"{shown} must be {allowed.replace('|', ' or ')}; change or remove it", source)
    return name, "UTF8" if name == "client_encoding" and value else value
