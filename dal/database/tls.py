"""The files that TLS needs: those that an address names, else libpq's in the home directory."""

import ssl
from pathlib import Path
from typing import Any

from dal.database.environment import exists, home
from dal.database.parameters import TLS_REQUIRED
from dal.errors import ConfigurationError

_DEFAULTS = {
    "sslrootcert": "root.crt",
    "sslcrl": "root.crl",
    "sslcert": "postgresql.crt",
    "sslkey": "postgresql.key",
}


def home_is_hidden() -> bool:
    """Whether this process may not look into the home directory, as where HOME is another user's.

    Both drivers would fail there, so files that can't be seen count as absent.
    """
    certificate = _default("sslcert")
    try:
        if certificate:
            certificate.stat()
    except PermissionError:
        return True
    except OSError:
        pass
    return False


def context(parameters: dict[str, str]) -> ssl.SSLContext:
    """asyncpg's context for an address's TLS parameters; an error names the file that is bad.

    Raises:
        ConfigurationError: a file is missing, can't be read or does not hold what it should.
    """
    mode = parameters.get("sslmode", "prefer")
    if parameters.get("sslrootcert") == "system":
        return ssl.create_default_context()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version = _version(parameters.get("ssl_min_protocol_version", "TLSv1.2"))
    if "ssl_max_protocol_version" in parameters:
        made.maximum_version = _version(parameters["ssl_max_protocol_version"])
    made.set_alpn_protocols(["postgresql"])  # for sslnegotiation=direct
    if mode in TLS_REQUIRED.split("|"):
        if root := _file(parameters, "sslrootcert"):
            made.verify_mode = ssl.CERT_REQUIRED
            made.check_hostname = mode == "verify-full"
            _load("sslrootcert", root, made.load_verify_locations, root)
        elif mode != "require":
            raise ConfigurationError(
                f"sslmode={mode} needs the authority's certificate; name its file with"
                f" sslrootcert, or put it where it is looked for ({_default('sslrootcert')})"
            )
        if revoked := _file(parameters, "sslcrl"):
            _load("sslcrl", revoked, made.load_verify_locations, revoked)
            made.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if certificate := _file(parameters, "sslcert"):
        key = _file(parameters, "sslkey")
        if key:
            _open("sslkey", key)
        secret = parameters.get("sslpassword", "")
        _load("sslcert", certificate, made.load_cert_chain, certificate, key, lambda: secret)
    return made


def _version(name: str) -> ssl.TLSVersion:
    return ssl.TLSVersion[name.replace(".", "_")]


def _default(name: str) -> Path | None:
    folder = home()
    return folder / ".postgresql" / _DEFAULTS[name] if folder else None


def _file(parameters: dict[str, str], name: str) -> str | None:
    default = _default(name)
    return parameters.get(name) or (str(default) if default and exists(default) else None)


def _open(name: str, path: str) -> None:
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise _unusable(name, path, error.strerror or "it can't be opened") from None


def _load(name: str, path: str, load: Any, *arguments: Any) -> None:
    _open(name, path)
    try:
        load(*arguments)
    except ssl.SSLError:
        problem = "it does not fit its key" if name == "sslcert" else "it is no certificate"
        raise _unusable(name, path, f"{problem}, or not in PEM form") from None


def _unusable(name: str, path: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"the file of {name} can't be used: {path}: {why}")
