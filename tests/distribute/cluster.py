"""Databases of a test on all nodes of a cluster."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from typer.testing import CliRunner

from dal import migrate
from dal.cli.commands import app
from tests.migrations.database import Catalogue, catalogue, rows, run

CITUS = os.environ.get("DAL_TEST_CITUS", "")
"""The URL of the coordinator's database that others are made like, if there is a cluster."""

# Several commands at once would be one transaction, in which a database can't be made.
_APART = "SET citus.enable_create_database_propagation = off"


@dataclass(frozen=True)
class Cluster:
    """A database on each node.

    Attributes:
        url: the coordinator's.
        workers: the others'.
    """

    url: str
    workers: list[str]

    @classmethod
    @contextmanager
    def like(cls, url: str) -> Iterator[Self]:
        """New databases on the nodes of another one, the workers added."""
        nodes = rows(url, "SELECT nodename, nodeport FROM pg_dist_node ORDER BY groupid")
        [(host, port), *_] = nodes
        name = f"dal_test_{secrets.token_hex(4)}"
        servers = [_at(url, *node) for node in nodes]
        for server in servers:
            run(server, _APART, f"CREATE DATABASE {name} TEMPLATE template0")
        made = cls(_named(url, name), [_named(server, name) for server in servers[1:]])
        try:
            for each in (made.url, *made.workers):
                run(each, "CREATE EXTENSION citus")
            run(made.url, f"SELECT citus_set_coordinator_host('{host}', {port})")
            for host, port in nodes[1:]:
                run(made.url, f"SELECT citus_add_node('{host}', {port})")
            migrate.apply(made.url)
            yield made
        finally:
            for server in servers:  # the coordinator's first: the daemons there reconnect
                run(server, _APART, f"DROP DATABASE {name} WITH (FORCE)")

    def beside(self, host: str, port: int) -> None:
        """Make the database on a further server, which is no node yet."""
        server = _at(self.url, host, port)
        name = urlsplit(self.url).path.removeprefix("/")
        run(_named(server, "postgres"), _APART, f"CREATE DATABASE {name} TEMPLATE template0")
        run(server, "CREATE EXTENSION citus")

    def dal(self, *command: str, url: str = "") -> tuple[int, str]:
        """The exit status of a command, and what it wrote."""
        environment = {"DATABASE_URL": url or self.url, "NO_COLOR": "1"}
        result = CliRunner().invoke(app, command, env=environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result.exit_code, result.output

    def refusal(self, *command: str, url: str = "") -> tuple[int, str]:
        """The same of a command that has to leave everything as it was."""
        before = self.catalogue()
        answer = self.dal("distribute", *command, url=url)
        assert self.catalogue() == before
        return answer

    def catalogue(self) -> Catalogue:
        """Every object of the schema public, and which tables are distributed."""
        objects = [row for row in catalogue(self.url) if row[0].startswith("public.")]
        return objects + [("citus", "distributed", name) for name in self.distributed()]

    def distributed(self) -> list[str]:
        """The tables that are distributed."""
        query = "SELECT logicalrelid::text FROM pg_dist_partition ORDER BY 1"
        return [name for (name,) in rows(self.url, query)]

    def run(self, *statements: str) -> None:
        """Run statements on the coordinator."""
        run(self.url, *statements)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """The rows of a query on the coordinator."""
        return rows(self.url, query)


def _at(url: str, host: str, port: int) -> str:
    parts = urlsplit(url)
    who = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return urlunsplit(parts._replace(netloc=f"{who}{host}:{port}", query=""))


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
