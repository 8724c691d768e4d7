"""The service is found from the test, wherever pytest is started."""

from pathlib import Path

import pytest

from dal.testing.server import Postgres
from tests.testing.running import prepare_query, run

TABLE = """
import pytest

@pytest.mark.asyncio
async def test_{table}(dal_db):
    assert await dal_db.fetch("SELECT * FROM {table}") == []
    assert await dal_db.fetch("SELECT to_regclass('{other}')") == [(None,)]
"""


@pytest.fixture
def mono(tmp_path: Path) -> Path:
    """A repository with settings for pytest, and the folder of its services."""
    (tmp_path / "services").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\nxfail_strict = true\n")
    return tmp_path


def add(mono: Path, name: str, table: str) -> Path:
    """Add a service with one table."""
    service = mono / "services" / name
    (service / "migrations").mkdir(parents=True)
    (service / "pyproject.toml").write_text(
        f'[tool.dal]\nname = "{name}"\nmigrations = "migrations"\n'
    )
    (service / f"migrations/0001.{table}.sql").write_text(
        f"-- {table}.\n\nCREATE TABLE {table} (id bigint PRIMARY KEY);\n"
    )
    (service / f"migrations/0001.{table}.rollback.sql").write_text(f"DROP TABLE {table};\n")
    return service


@pytest.mark.parametrize(
    "options",
    [
        ["services/todo"],
        ["services/todo", "-n", "2"],
        ["services/todo", "--rootdir", "services/todo", "-c", "services/todo/pyproject.toml"],
        [],
    ],
    ids=" ".join,
)
def test_a_broken_statement_is_found(mono: Path, dal_server: Postgres, options: list[str]) -> None:
    service = add(mono, "todo", "todos")
    prepare_query(service, "SELECT count(*) FROM todos WHERE idd = 1;")
    done = run(mono, dal_server.url, *options)
    assert (done.returncode, "count.sql:2:34: refused: " in done.stdout) == (1, True), done.stdout


def test_each_service_has_its_own_tables(mono: Path, dal_server: Postgres) -> None:
    for name, table, other in (("todo", "todos", "orders"), ("shop", "orders", "todos")):
        service = add(mono, name, table)
        (service / f"test_{name}.py").write_text(TABLE.format(table=table, other=other))
    for places in ([], ["services/todo"], ["services/todo", "services/shop", "-n", "2"]):
        done = run(mono, dal_server.url, *places)
        passed = "1 passed" if len(places) == 1 else "2 passed"
        assert (done.returncode, passed in done.stdout) == (0, True), done.stdout


def test_nothing_to_prove_is_no_proof(mono: Path, dal_server: Postgres) -> None:
    service = add(mono, "todo", "todos")
    prepare_query(service, "SELECT count(*) FROM todos WHERE id = 1;")
    apart = (service / "test_shop.py").rename(mono / "test_apart.py")
    done = run(mono, dal_server.url)
    assert done.returncode == 1
    assert f"no pyproject.toml in {mono} or above it has the table [tool.dal]" in done.stdout
    done = run(mono, dal_server.url, str(apart), "--rootdir", "services/todo", "-c", "/dev/null")
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
