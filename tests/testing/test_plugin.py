"""The pytest plugin, run as a service's tests run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from dal.testing.server import Postgres, database_name

SETTINGS = """
[tool.dal]
name = "shop"
migrations = "migrations"
[tool.pytest.ini_options]
filterwarnings = ["error"]
"""
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


@pytest.fixture
def service(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/0001.orders.sql").write_text(
        "-- Orders.\n\nCREATE TABLE orders (id bigint PRIMARY KEY);\n"
    )
    (tmp_path / "migrations/0001.orders.rollback.sql").write_text("DROP TABLE orders;\n")
    # Neither is the plugin's to read.
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://nobody@127.0.0.1:9/nowhere\n")
    return tmp_path


def run(folder: Path, server: str, *options: str) -> subprocess.CompletedProcess[str]:
    if "no:asyncio" not in options:
        options += ("-o", "asyncio_default_fixture_loop_scope=function")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "DAL_TEST_POSTGRES": server,
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nowhere",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )


def databases(server: Postgres) -> set[str]:
    with psycopg.connect(server.url) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


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
    with (service / "pyproject.toml").open("a") as settings:
        settings.write('pythonpath = ["."]\n[tool.dal.owner-exceptions]\n')
    text = (service / "pyproject.toml").read_text()
    queries = 'name = "shop"\nqueries = ["shop_store:query"]'
    (service / "pyproject.toml").write_text(text.replace('name = "shop"', queries))
    (service / "sql").mkdir()
    (service / "sql/count.sql").write_text("-- Counts.\nSELECT count(*) FROM oders WHERE id = 1;\n")
    (service / "shop_store.py").write_text(
        "from pathlib import Path\n"
        "from dal.binding import Executor, Queries\n"
        "query = Queries(Path(__file__).parent / 'sql')\n"
        "@query('count.sql')\n"
        "async def count(db: Executor) -> int:\n"
        "    '''How many there are.'''\n"
        "    raise NotImplementedError\n"
    )
    (service / "test_shop.py").write_text(
        "from dal.testing import assert_proven\ndef test_proven(): assert_proven()\n"
    )
    done = run(service, dal_server.url)
    assert done.returncode == 1
    assert "sql/count.sql:2:22: refused: " in done.stdout
    assert 'relation "oders" does not exist' in done.stdout
    (service / "sql/count.sql").write_text(
        "-- Counts.\nSELECT count(*) FROM orders WHERE id = 1;\n"
    )
    done = run(service, dal_server.url)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
