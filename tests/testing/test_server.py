"""The server of the tests: what it drops, what it refuses, and that no password is shown."""

from pathlib import Path

import psycopg
import pytest

from dal import migrate
from dal.errors import InvalidInputError, SchemaMismatchError
from dal.testing import plugin
from dal.testing.chosen_server import running
from dal.testing.server import Postgres, database_name
from tests.roles import role
from tests.testing.running import databases, run

SECRET = "s3cr3t"
ASKS = "def test_database(dal_database): pass\n"


@pytest.mark.parametrize("host", ["elsewhere", None])
def test_only_what_it_made_is_dropped(dal_server: Postgres, host: str | None) -> None:
    made = Postgres("another run's", dal_server.url)
    url = made.create()
    name = database_name(url)
    with pytest.raises(InvalidInputError, match="this is another database"):
        dal_server.drop(f"postgresql://{host}/{name}" if host else url)
    assert name in databases(dal_server)
    made.drop(url)
    assert name not in databases(dal_server)


def test_its_address_is_not_shown() -> None:
    with running(f"postgresql://me:{SECRET}@localhost/db") as postgres:
        assert SECRET not in repr(postgres)


def test_an_address_as_dal_reads_it(dal_server: Postgres) -> None:
    with running(dal_server.url.replace("postgresql://", "postgresql+asyncpg://")) as postgres:
        url = postgres.create()
        assert url.startswith("postgresql://")
        psycopg.connect(url).close()
        postgres.drop(url)


def test_a_database_that_is_named_twice(dal_server: Postgres) -> None:
    separator = "&" if "?" in dal_server.url else "?"
    with (
        pytest.raises(pytest.UsageError, match="DAL_TEST_POSTGRES: name the database in the path"),
        running(f"{dal_server.url}{separator}dbname=precious"),
    ):
        pass


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (f"postgresql://me:{SECRET}@127.0.0.1:9/db", "nothing listens at 127.0.0.1:9"),
        (f"postgresql://me:{SECRET}@x@127.0.0.1:9/db", "special character is not percent-encoded"),
        (f"postgresql://me:{SECRET}@127.0.0.1:9/db?dbname=other", "name the database in the path"),
    ],
)
@pytest.mark.parametrize("options", [[], ["-l"]], ids=["", "with locals"])
def test_what_is_wrong_is_a_sentence(
    service: Path, address: str, reason: str, options: list[str]
) -> None:
    (service / "test_shop.py").write_text(ASKS)
    done = run(service, address, *options)
    assert done.returncode == 1
    assert reason in done.stdout
    assert "DAL_TEST_POSTGRES" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout
    assert "psycopg" not in done.stdout


def test_a_database_that_is_missing(service: Path, dal_server: Postgres) -> None:
    (service / "test_shop.py").write_text(ASKS)
    missing = dal_server.create()
    dal_server.drop(missing)
    done = run(service, missing)
    assert done.returncode == 1
    assert "the database does not exist; check its name in DAL_TEST_POSTGRES" in done.stdout


def test_a_role_that_may_not_create_databases(
    service: Path, dal_server: Postgres, empty_database: str
) -> None:
    (service / "test_shop.py").write_text(ASKS)
    with role(empty_database) as nobody:
        done = run(service, nobody)
    assert done.returncode == 1
    assert "(DAL_TEST_POSTGRES): permission denied to create database; " in done.stdout
    assert "CREATEDB" in done.stdout


def test_migrations_that_fail(service: Path, dal_server: Postgres) -> None:
    (service / "test_shop.py").write_text(ASKS)
    (service / "migrations/0001.orders.sql").write_text(
        "-- Orders.\n\nCREATE TABLE orders (id nonsense PRIMARY KEY);\n"
    )
    done = run(service, dal_server.url)
    assert done.returncode == 1
    assert 'type "nonsense" does not exist' in done.stdout
    assert "dal/migrate" not in done.stdout


def test_migrations_that_fail_leave_no_database(
    dal_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fail(url: str, **_: object) -> None:
        tried.append(database_name(url))
        raise SchemaMismatchError

    monkeypatch.setattr(migrate, "apply", fail)
    with pytest.raises(SchemaMismatchError):
        plugin._migrated(Postgres("another run's", dal_server.url), ())
    assert len(tried) == 1
    assert not databases(dal_server) & {*tried}


def test_without_the_extra(service: Path, dal_server: Postgres) -> None:
    (service / "test_shop.py").write_text(ASKS)
    (service / "conftest.py").write_text("import sys\nsys.modules['psycopg'] = None\n")
    done = run(service, dal_server.url)
    assert done.returncode == 1
    assert "pip install 'dal-chat-memory[testing]'" in done.stdout
    assert "Traceback" not in done.stdout
