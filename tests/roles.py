"""Roles of a server that exist for the length of a test."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import sqlparse

_numbers = itertools.count()


def connecting_as(url: str, user: str) -> str:
    """The same database's URL for another user, with the same password."""
    parts = urlsplit(url)
    password = f":{parts.password}" if parts.password else ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}{password}@{host}"))


@contextmanager
def role(url: str, *statements: str, options: str = "") -> Iterator[str]:
    """The database's URL for a new role, as the statements leave it; {role} is its name there."""
    # Roles are the server's, which other test processes use at the same time.
    name = f"dal_test_{os.getpid()}_role_{next(_numbers)}"
    password = unquote(urlsplit(url).password or "")

    def execute(*statements: str) -> None:
        with psycopg.connect(url, autocommit=True) as owner:
            for statement in sqlparse.split("; ".join(statements).format(role=name)):
                owner.execute(statement.encode())

    execute(f"CREATE ROLE {name} LOGIN {options}")
    try:
        if password:
            execute(f"ALTER ROLE {name} PASSWORD '{password}'")
        execute(*statements)
        yield connecting_as(url, name)
    finally:
        execute("DROP OWNED BY {role}", "DROP ROLE {role}")
