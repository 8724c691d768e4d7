"""A durable PostgreSQL server that tests can stop in several ways, and start again on its data.

    with Restartable(settings={"max_connections": 20}) as server:
        server.stop("kill")
        server.start()
        with Restartable(primary=server) as standby:
            ...

Run as `python -m tests.faults.restartable INSTALLATION [PRIMARY]`, this file is the server's
keeper: a process of its own, as the supervisor of `dal.embedded` is, and made of its parts. It
takes commands, one JSON document a line, from standard input, and answers each with one line: what
went wrong, or nothing. The end of standard input is the end of the test process: keeper, server and
files go with it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, cast
from urllib.parse import quote

from dal.embedded.server import _installation
from dal.embedded.supervisor import (
    Children,
    listen_for_signals,
    make_data,
    private_directory,
    remove_traces,
    server_command,
    stop,
    until_ready,
    usable,
)
from dal.testing.server import Postgres

End: TypeAlias = Literal["fast", "immediate", "kill"]
PoolSettings: TypeAlias = Mapping[str, str | int | float] | None
Environment: TypeAlias = Mapping[str, str] | None

_SIGNALS: dict[End, int] = {
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
    "kill": signal.SIGKILL,
}
_DEFAULTS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "listen_addresses": "",
    "port": 5432,  # only a part of the socket's name
    "dynamic_shared_memory_type": "mmap",  # files of the data directory, which go with it
}


class Restartable:
    """A server of `dal.embedded`'s programs with fsync on, running when the constructor returns.

    It listens on a Unix socket of a private directory. The superuser `postgres` needs no password.

    Parameters:
        version: the major version, 18 or 16.
        settings: server settings.
        environment: more environment variables for the server's processes, such as LD_PRELOAD.
        primary: the running server whose standby this is, of the same version.

    `settings` and `environment` may be changed; the next start uses them.
    """

    def __init__(
        self,
        version: int = 18,
        settings: PoolSettings = None,
        environment: Environment = None,
        primary: "Restartable | None" = None,
    ) -> None:
        self.version = version
        self.directory: Path
        self.settings = {**_DEFAULTS, **(settings or {})}
        self.environment = dict(environment or {})
        self._keeper = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.faults.restartable", str(_installation(version))),
                *([str(primary.directory)] if primary else []),
            ],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C is the test process's to handle
        )
        try:
            self.directory = Path(self._answer())
            self.start()
        except BaseException:
            self.close()
            raise

    @classmethod
    def like(
        cls, postgres: Postgres, settings: PoolSettings = None, environment: Environment = None
    ) -> Self:
        """A server of the version that the run has chosen, as far as there is one."""
        kind, _, version = postgres.kind.partition(":")
        return cls(int(version or 18) if kind == "embedded" else 18, settings, environment)

    def dsn(self, database: str = "postgres") -> str:
        """A URL of a database."""
        host = quote(str(self.directory))
        return f"postgresql://postgres@/{quote(database, safe='')}?host={host}&port=5432"

    def start(self) -> None:
        """Start the server, unless it runs already; returns once it accepts connections."""
        self._command(
            settings=[f"{name}={value}" for name, value in self.settings.items()],
            environment=[f"{name}={value}" for name, value in self.environment.items()],
        )

    def stop(self, end: End = "fast") -> None:
        """Stop the server: fast (clients are cut off), immediate, or by killing all of it."""
        self._command(signal=_SIGNALS[end])

    def close(self) -> None:
        """Stop the server and remove its directory."""
        self._keeper.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _command(self, **command: Any) -> None:
        assert self._keeper.stdin
        print(json.dumps(command), file=self._keeper.stdin)
        self._keeper.stdin.flush()
        if complaint := self._answer():
            raise RuntimeError(complaint)

    def _answer(self) -> str:
        assert self._keeper.stdout
        answer = self._keeper.stdout.readline()
        if not answer:
            raise RuntimeError("the server's keeper has ended; it says why on standard error")
        return cast(str, json.loads(answer))


def runs(process: subprocess.Popen[bytes] | None) -> bool:
    return process is not None and process.poll() is None


def copy_data(children: Children, installation: Path, directory: Path, primary: str) -> Path:
    """As `make_data`, for a standby."""
    installation = usable(children, installation, directory)
    source = f"host={primary} port={_DEFAULTS['port']} user=postgres application_name=standby"
    if not children.succeed(
        *(installation / "bin" / "pg_basebackup", "--pgdata", directory / "data", "--no-sync"),
        *("--dbname", source, "--write-recovery-conf", "--checkpoint=fast"),
    ):
        sys.exit(children.failure("PostgreSQL could not copy the primary."))
    return installation


def _keep(installation: Path, *primary: str) -> None:
    """Run a server as the commands say, until they end."""
    os.umask(0o077)
    signals = listen_for_signals()
    children = Children()
    directory = private_directory(children)
    postgres: subprocess.Popen[bytes] | None = None
    try:
        make = copy_data if primary else make_data
        installation = make(children, installation, directory, *primary)
        print(json.dumps(str(directory)), flush=True)
        while line := sys.stdin.readline():
            complaint = None
            match json.loads(line):
                case {"settings": settings, "environment": environment} if not runs(postgres):
                    postgres = children.start(
                        *("/usr/bin/env", *environment),
                        *server_command(installation, directory, settings),
                    )
                    try:
                        until_ready(postgres, children, signals, directory)
                    except SystemExit as failure:
                        complaint = failure.code
                case {"signal": number} if postgres:
                    postgres.send_signal(number)
                    postgres.wait()
                    children.bury_orphans()  # a killed server's
            print(json.dumps(complaint), flush=True)
    finally:
        if postgres:
            stop(postgres)
        remove_traces(children, directory)
        shutil.rmtree(directory)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), *sys.argv[2:])
