"""`dal ping`: what it says of a server, and how it fails. TLS is in database/test_tls.py."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from dal import migrate
from dal.testing.server import Postgres, database_name
from tests.migrations.database import IDS, LAST
from tests.roles import connecting_as, role


def ping(url: str | None, folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "dal", "ping"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment
        | {"PYTHONPATH": str(Path(__file__).parents[1])}
        | ({"DATABASE_URL": url} if url else {}),
    )


def test_it_says_what_is_there(url: str, dal_server: Postgres, tmp_path: Path) -> None:
    answer = ping(url, tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    facts = dict(
        line.split(maxsplit=1) for line in answer.stdout.replace("round t", "t").splitlines()
    )
    assert facts["server"] == f"PostgreSQL {dal_server.version()}"
    assert facts["role"] == urlsplit(url).username
    assert (facts["TLS"], facts["pooler"]) == ("no", "no")
    assert facts["schema"] == LAST
    assert float(facts["trip"].removesuffix(" ms")) > 0


def test_it_says_what_is_pending(url: str, empty_database: str, tmp_path: Path) -> None:
    assert f"none, {len(IDS)} pending: run dal migrate" in ping(empty_database, tmp_path).stdout
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE users (id char(12) PRIMARY KEY)")
    assert "none, which does not fit: dal status says why" in ping(empty_database, tmp_path).stdout
    migrate.rollback(url)
    assert f"{IDS[-2]}, 1 pending: run dal migrate" in ping(url, tmp_path).stdout


@pytest.mark.parametrize(
    ("url", "code", "sentence"),
    [
        (None, 3, "DATABASE_URL is not set"),
        ("mysql://ada:s3cret@localhost/chat", 3, "must be like postgresql://"),
        ("postgresql://ada:s3cret@127.0.0.1:1/chat", 4, "nothing listens at 127.0.0.1:1; check"),
        (
            "postgresql://ada:s3cret@/chat?host=/nowhere",
            4,
            "no socket /nowhere/.s.PGSQL.5432; check",
        ),
    ],
)
def test_an_address_that_leads_nowhere(
    url: str | None, code: int, sentence: str, tmp_path: Path
) -> None:
    answer = ping(url, tmp_path)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert sentence in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert "s3cret" not in answer.stderr


def test_a_user_that_does_not_exist(empty_database: str, tmp_path: Path) -> None:
    assert ping(connecting_as(empty_database, "nobody_of_that_name"), tmp_path).returncode == 6


@pytest.mark.parametrize(
    ("options", "grants", "code"),
    [("CONNECTION LIMIT 0", ["GRANT CONNECT ON DATABASE {database} TO {{role}}"], 8), ("", [], 9)],
)
def test_a_server_that_refuses(
    empty_database: str, tmp_path: Path, options: str, grants: list[str], code: int
) -> None:
    database = database_name(empty_database)
    statements = ["REVOKE ALL ON DATABASE {database} FROM public", *grants]
    with role(
        empty_database, *(text.format(database=database) for text in statements), options=options
    ) as url:
        answer = ping(url, tmp_path)
    assert answer.returncode == code, answer.stderr


def test_a_database_that_does_not_exist(url: str, tmp_path: Path) -> None:
    absent = urlunsplit(urlsplit(url)._replace(path="/dal_test_absent"))
    answer = ping(absent, tmp_path)
    assert answer.returncode == 7
    assert "create it" in answer.stderr


def test_a_services_role_gets_an_answer_too(url: str, tmp_path: Path) -> None:
    """It may not read which migrations are applied."""
    with role(url) as service:
        answer = ping(service, tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "schema      unknown: the role may not read" in answer.stdout
