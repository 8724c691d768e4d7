"""Runs of pytest in a service's folder."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from dal.testing.server import Postgres

STORE = """
from pathlib import Path
from dal.binding import Executor, Queries

query = Queries(Path(__file__).parent / "sql")

@query("count.sql")
async def count(db: Executor) -> int:
    raise NotImplementedError
"""


def prepare_query(service: Path, sql: str) -> Path:
    """Give a service one statement, and a test that it is proven; returns the statement's file."""
    file = service / "pyproject.toml"
    queries = '[tool.dal]\nqueries = ["shop_store:query"]'
    file.write_text(file.read_text().replace("[tool.dal]", queries))
    (service / "shop_store.py").write_text(STORE)
    (service / "sql").mkdir()
    statement = service / "sql/count.sql"
    statement.write_text(f"-- Counts.\n{sql}\n")
    (service / "test_shop.py").write_text(
        "from dal.testing import assert_proven\ndef test_proven(): assert_proven()\n"
    )
    return statement


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
