"""A role with the privileges of sql/grants.sql, on a database of its own."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pytest

from dal.places import SQL
from tests.servers import database_name

GRANTS = (SQL / "grants.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Service:
    """A service's role, and another one that is a member of it.

    Attributes:
        admin: the database's address for the tables' owner.
        role: the name of the role.
        urls: the database's address for the role itself, and for the member.
    """

    admin: str
    role: str
    urls: tuple[str, str]


@pytest.fixture
def service(url: str) -> Iterator[Service]:
    parts = urlsplit(url)
    password = f":{parts.password}" if parts.password else ""
    host = parts.netloc.rpartition("@")[2]

    def address(role: str) -> str:
        return urlunsplit(parts._replace(netloc=f"{role}{password}@{host}"))

    role, member = (f"dal_test_{os.getpid()}_{kind}" for kind in ("service", "member"))
    login = f"LOGIN PASSWORD '{unquote(parts.password)}'" if parts.password else "LOGIN"
    # What grants.sql leaves to the database's owner stands in its comment.
    public = "".join(re.findall(r"^--     (REVOKE .+;\n)", GRANTS, re.MULTILINE))
    assert public.count("REVOKE") == 2
    with psycopg.connect(url, autocommit=True) as admin:

        def run(statements: str) -> None:
            admin.execute(statements.encode())

        run(f"CREATE ROLE {role} {login}; CREATE ROLE {member} {login} IN ROLE {role}")
        try:
            run(public.replace(" chat ", f" {database_name(url)} "))
            run(GRANTS.replace(':"service"', role))
            yield Service(url, role, (address(role), address(member)))
        finally:
            run(f"DROP OWNED BY {role}, {member}; DROP ROLE {role}, {member}")
