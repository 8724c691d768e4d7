"""The pytest plugin, run as a service's tests run it."""

import re
from pathlib import Path

import pytest

from dal.testing.server import Postgres, database_name
from tests.testing.running import databases, prepare_query, run

STRICT = """
import os
import dal, pytest

@pytest.mark.parametrize("user", ["ada", "bob"])
@pytest.mark.asyncio
async def test_alone(dal_db: dal.Database, dal_database: str, user: str) -> None:
    await dal.users.ensure(dal_db, user_id=user)
    assert await dal_db.fetch("SELECT id FROM users") == [(user,)]
    assert await dal_db.fetch("SELECT * FROM orders") == []
    assert "/dal_test_" in dal_database
"""
AUTO = STRICT.replace("@pytest.mark.asyncio\n", "")
ANYIO = (
    STRICT.replace("asyncio", "anyio")
    + """
@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
"""
)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (STRICT, ["-o", "asyncio_mode=strict"]),
        (AUTO, ["-o", "asyncio_mode=auto"]),
        (ANYIO, ["-p", "no:asyncio"]),
        (ANYIO, ["-o", "asyncio_mode=strict"]),
        (STRICT, ["-n", "2"]),
    ],
    ids=["asyncio strict", "asyncio auto", "anyio alone", "anyio beside asyncio", "xdist"],
)
def test_modes(service: Path, dal_server: Postgres, text: str, options: list[str]) -> None:
    (service / "test_shop.py").write_text(text)
    another = dal_server.create()  # which the run inside must leave alone
    done = run(service, dal_server.url, *options)
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout
    assert database_name(another) in databases(dal_server)
    dal_server.drop(another)


def test_workers_share_an_embedded_server(service: Path) -> None:
    (service / "test_shop.py").write_text(
        "import pathlib, pytest\n"
        "@pytest.mark.parametrize('number', range(4))\n"
        "def test_server(dal_server, number):\n"
        "    pathlib.Path(f'server{number}').write_text(dal_server.url)\n"
    )
    done = run(service, "", "-n", "2")
    assert (done.returncode, "4 passed" in done.stdout) == (0, True), done.stdout
    assert len({file.read_text() for file in service.glob("server*")}) == 1


def test_nothing_is_started_before_it_is_asked_for(service: Path) -> None:
    (service / "test_shop.py").write_text(
        "import sys\n"
        "def test_plain():\n"
        "    assert not {'psycopg', 'asyncpg', 'yoyo', 'sqlglot'} & {*sys.modules}\n"
    )
    done = run(service, "nonsense", "-p", "no:asyncio")
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_a_wrong_choice_lists_the_choices(service: Path) -> None:
    (service / "test_shop.py").write_text("def test_server(dal_server): pass\n")
    done = run(service, "nonsense")
    assert done.returncode == 1
    assert re.search(r"DAL_TEST_POSTGRES: .*\n(.*\n)*.*embedded:16", done.stdout)


def test_what_is_not_proven_fails_with_its_place(service: Path, dal_server: Postgres) -> None:
    sql = prepare_query(service, "SELECT count(*) FROM oders WHERE id = 1;")
    done = run(service, dal_server.url)
    assert done.returncode == 1
    assert "1 finding\n" in done.stdout
    assert "sql/count.sql:2:22: refused: " in done.stdout
    assert 'relation "oders" does not exist' in done.stdout
    sql.write_text("-- Counts.\nSELECT count(*) FROM orders WHERE id = 1;\n")
    done = run(service, dal_server.url)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_a_table_that_can_not_be_filled_is_a_warning(service: Path, dal_server: Postgres) -> None:
    (service / "migrations/0001.orders.sql").write_text(
        "-- Orders.\n\nCREATE TABLE orders (id bigint PRIMARY KEY CHECK (false));\n"
    )
    prepare_query(service, "SELECT count(*) FROM orders WHERE id = 1;")
    done = run(service, dal_server.url, "-W", "default::dal.testing.UnprovenWarning")
    assert (done.returncode, "1 passed, 1 warning" in done.stdout) == (0, True), done.stdout
    assert "so scans of it are not judged" in done.stdout
    assert "test_shop.py:2: UnprovenWarning: orders: " in done.stdout
