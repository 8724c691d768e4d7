"""The servers of a cluster, where they are on this machine: to be stopped, and one more of them."""

import os
import shlex
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.migrations.database import rows

_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
port = {port}
shared_preload_libraries = 'citus'
wal_level = logical
max_prepared_transactions = 200
fsync = off
citus.node_conninfo = '{conninfo}'
"""


@dataclass(frozen=True)
class Node:
    """A server.

    Attributes:
        programs: the folder of its programs.
        data: its data directory.
        log: the file that it writes to.
    """

    programs: Path
    data: Path
    log: Path

    @classmethod
    def of(cls, url: str) -> Self:
        """The server of a URL; skips the test where it can't be stopped from here."""
        [(programs,)] = rows(url, "SELECT setting FROM pg_config WHERE name = 'BINDIR'")
        [(data,)] = rows(url, "SHOW data_directory")
        [(port,)] = rows(url, "SHOW port")
        try:
            pid, _, _, here, *_ = (Path(data) / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            pid = here = ""
        except PermissionError:
            pytest.skip("the servers of DAL_TEST_CITUS are another user's; root can stop them")
        if here != port:
            pytest.skip("the servers of DAL_TEST_CITUS are not on this machine")
        log = Path(f"/proc/{pid}/fd/2").resolve()  # a pipe of a service manager's is no file
        return cls(Path(programs), Path(data), log if log.is_file() else Path(os.devnull))

    def stop(self) -> None:
        """Stop the server at once, as a crash would."""
        self.run("pg_ctl", "stop", "--mode=immediate", "--wait")

    def start(self) -> None:
        """Start the server, with the options that it had before."""
        options = self.data / "postmaster.opts"
        before = shlex.split(options.read_text())[1:] if options.exists() else []
        self.run(
            "pg_ctl", "start", "--wait", f"--log={self.log}", f"--options={shlex.join(before)}"
        )

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of the server's, as the owner of its directory."""
        owner = self.data.stat()
        root = os.geteuid() == 0
        subprocess.run(
            [self.programs / program, f"--pgdata={self.data}", *arguments],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            user=owner.st_uid if root else None,
            group=owner.st_gid if root else None,
            extra_groups=[] if root else None,
        )


@contextmanager
def spare(url: str) -> Iterator[int]:
    """The port of a server like that of the URL, which is in no cluster."""
    like = Node.of(url)
    owner = like.data.stat()
    [(locale,)] = rows(url, "SELECT datcollate FROM pg_database WHERE datname = 'template0'")
    [(conninfo,)] = rows(url, "SHOW citus.node_conninfo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        node = Node(like.programs, Path(folder) / "data", Path(folder) / "log")
        node.data.mkdir(mode=0o700)
        for path in (node.data, node.data.parent):
            os.chown(path, owner.st_uid, owner.st_gid)
        node.run(
            *("initdb", "--username=postgres", "--auth=trust", "--no-sync"),
            *("--encoding=UTF8", f"--locale={locale}"),
        )
        with (node.data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(folder=folder, port=port, conninfo=conninfo))
        node.start()
        try:
            yield port
        finally:
            node.stop()
