"""The password file, by libpq's rules for both drivers; asyncpg's own reader keeps backslashes."""

import re
import stat
from pathlib import Path

from dal.database.environment import home
from dal.database.parameters import warn

_FIELD = re.compile(r"((?:\\.|[^:])*)(?::|$)")


def password(file: str | None, *, host: str, port: int, database: str, user: str) -> str | None:
    """The password that a file of lines like `host:port:database:user:password` has, or None.

    Parameters:
        file: its path; None is `.pgpass` in the home directory.
        host: a name, or a socket's directory, which `localhost` stands for as well.
        port, database, user: where, and as whom.
    """
    folder = home()
    path = Path(file) if file else folder and folder / ".pgpass"
    if path is None or not _is_private(path):
        return None
    wanted = [{host, "localhost"} if host.startswith("/") else {host}]
    wanted += [{str(port)}, {database}, {user}]
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # as libpq, which goes on without one
        return None
    for line in lines:
        fields = _FIELD.findall(line)[:5]
        if len(fields) < 5 or line.startswith("#"):
            continue
        *place, secret = [re.sub(r"\\(.)", r"\1", field) for field in fields]
        known = zip(fields[:4], place, wanted, strict=True)
        if all(raw == "*" or field in names for raw, field, names in known):
            return secret
    return None


def _is_private(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if not stat.S_ISREG(mode):
        return False
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        warn(f"the password file {path} is not used, because others may read it: chmod 600 it")
        return False
    return True
