"""A role with the privileges of sql/grants.sql, on a database of its own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from dal.paths import SQL
from dal.testing.server import database_name
from tests.distribute.cluster import CITUS
from tests.roles import role

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
    # What grants.sql leaves to the database's owner stands in its comment.
    public = "".join(re.findall(r"^--     (REVOKE .+;\n)", GRANTS, re.MULTILINE))
    assert public.count("REVOKE") == 2
    grants = public.replace(" chat ", f" {database_name(url)} ") + GRANTS
    if CITUS:
        grants += "".join(re.findall(r"^--     (GRANT .+;\n)", GRANTS, re.MULTILINE))
    with role(url, grants.replace(':"service"', "{role}")) as service:
        name = urlsplit(service).username or ""
        with role(url, options=f"IN ROLE {name}") as member:
            yield Service(url, name, (service, member))
