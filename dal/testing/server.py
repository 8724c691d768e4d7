"""A server for tests, and the databases that they make on it."""

import itertools
import secrets
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from dal.errors import DalError, InvalidInputError, PermissionDeniedError
from dal.migrate.connection import connect, explained


def _names() -> Iterator[str]:
    """Names that nobody else on the server uses, so that no other's database is ever dropped."""
    run = secrets.token_hex(3)
    return (f"dal_test_{run}_{number}" for number in itertools.count())


@dataclass
class Postgres:
    """A server on which every test gets databases of its own.

    Attributes:
        kind: how it was chosen.
        url: a database of the server, from which others are made.
        strategy: the STRATEGY of CREATE DATABASE, or nothing.
    """

    kind: str
    url: str = field(repr=False)  # pytest shows the values of a test that fails
    strategy: LiteralString = ""
    _names: Iterator[str] = field(default_factory=_names, repr=False)
    _created: set[str] = field(default_factory=set, init=False, repr=False)

    def create(self, template: str = "template0") -> str:
        """Make a database from a template and return its URL.

        Raises:
            DalError: the server can't be reached, or its role may not create databases.
        """
        __tracebackhide__ = True  # by pytest, which would show the URL with its password
        name = next(self._names)
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.SQL(self.strategy)
            )
        )
        self._created.add(name)
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop(self, url: str) -> None:
        """Drop a database that this object has made, whoever is connected to it.

        Raises:
            InvalidInputError: it has not made this database; nothing is dropped.
        """
        __tracebackhide__ = True
        name = database_name(url)
        if name not in self._created:
            raise InvalidInputError(
                "drop() only drops what create() of the same dal_server has made, and this is"
                " another database: drop it where it was made"
            )
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def version(self) -> str:
        """The server's version, such as `18.4`."""
        return str(self._value("SHOW server_version"))

    def has_icu(self) -> bool:
        """Whether it was built with ICU, whose collations may take different texts for equal."""
        return bool(self._value("SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'"))

    def _value(self, query: LiteralString) -> object:
        __tracebackhide__ = True
        with self._connection() as connection:
            row = connection.execute(query).fetchone()
        return row and row[0]

    def _run(self, statement: sql.Composed) -> None:
        __tracebackhide__ = True
        with self._connection() as connection:
            connection.autocommit = True
            connection.execute(statement)

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        """A connection whose errors say whose server it is, and never its password."""
        __tracebackhide__ = True
        subject = f"the tests' server ({self.kind})"
        try:
            with connect(self.url, application_name="dal.testing") as made, explained(subject):
                yield made
        except PermissionDeniedError as error:
            advice = "; give its role the right (ALTER ROLE ... CREATEDB), or use another one"
            raise PermissionDeniedError(f"{error}{advice}", sqlstate=error.sqlstate) from None
        except DalError as error:
            text = str(error).removeprefix(f"{subject}: ")
            text = text.replace("DATABASE_URL", "DAL_TEST_POSTGRES")
            # A new error, because the traceback of the first has the address in its frames.
            raise type(error)(f"{subject}: {text}", sqlstate=error.sqlstate) from None


class Spares:
    """Databases made from a template; a thread makes the next and drops the last during a test.

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
        """Return the URL of a fresh database."""
        ready, self._next = (
            self._next,
            self._thread.submit(self._postgres.create, self._template),
        )
        return ready.result()

    def drop(self, url: str) -> None:
        """Drop a database; if that fails, the next call raises the error."""
        before, self._dropped = self._dropped, self._thread.submit(self._postgres.drop, url)
        if before:
            before.result()

    def rest(self) -> None:
        """Wait until the thread is idle: a fork would end a connection that it has open."""
        self._next.result()
        if self._dropped:
            self._dropped.result()

    def close(self) -> None:
        """Drop the database that nobody took."""
        self.drop(self._next.result())
        self._thread.shutdown()
        if self._dropped:
            self._dropped.result()


def database_name(url: str) -> str:
    """The database that a URL names."""
    return urlsplit(url).path.removeprefix("/")
