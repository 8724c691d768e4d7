"""The PostgreSQL that the tests run on, chosen by DAL_TEST_POSTGRES.

embedded, embedded:16   the server of the `embedded` extra: PostgreSQL 18, or 16
testcontainers          a container of the image DAL_TEST_IMAGE (postgres:15)
postgresql://...        a server that is there; its role must be allowed to create databases
unset                   testcontainers where a Docker engine answers, else embedded
"""

import contextlib
import gc
import itertools
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from dal import embedded


@dataclass
class Postgres:
    """A server on which every test gets databases of its own.

    Attributes:
        kind: how it was chosen, for the header.
        url: a database of it, from which others are made.
    """

    kind: str
    url: str
    _names: Iterator[str] = field(
        default_factory=lambda: (f"dal_test_{os.getpid()}_{n}" for n in itertools.count())
    )

    def create(self, template: str = "template0") -> str:
        """Make a database from a template and return its URL."""
        name = next(self._names)
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        name = sql.Identifier(database_name(url))
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def version(self) -> str:
        """The server's version, such as `18.4`."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        assert row
        return str(row[0])

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


def database_name(url: str) -> str:
    """The database that a URL names."""
    return urlsplit(url).path.removeprefix("/")


@contextlib.contextmanager
def running(choice: str) -> Iterator[Postgres]:
    """The chosen server, for as long as the block lasts."""
    if not choice:
        choice = "testcontainers" if _docker_answers() else "embedded"
    kind, _, version = choice.partition(":")
    if kind == "embedded":
        with embedded.Server(version=int(version or 18)) as server:
            yield Postgres(choice, server.dsn("postgres"))
    elif choice == "testcontainers":
        with _container() as url:
            yield Postgres(choice, url)
    elif kind in ("postgresql", "postgres"):
        yield Postgres("DAL_TEST_POSTGRES", choice)
    else:
        raise pytest.UsageError(f"DAL_TEST_POSTGRES: {__doc__}")


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
    container = PostgresContainer(image, driver=None)
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
