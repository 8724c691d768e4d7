"""Where a run could not succeed, it says so before it changes anything, with an exit status."""

import os
import re
from urllib.parse import urlsplit, urlunsplit

import pytest
from typer.testing import CliRunner

from dal.cli.commands import app
from dal.testing.server import Postgres
from tests.faults.restartable import Restartable
from tests.migrations.database import IDS, LAST, catalogue, lock_held, run
from tests.roles import connecting_as, role

RUNS = [
    ("migrate",),
    ("migrate", "--dry-run"),
    ("rollback", "--yes"),
    ("baseline", LAST),
    ("distribute",),
]
EVERY = pytest.mark.parametrize("command", RUNS, ids=" ".join)


@pytest.fixture(autouse=True)
def no_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))


def refusal(url: str, *command: str) -> tuple[int, str]:
    """Exit status and sentence of a command that fails."""
    result = CliRunner().invoke(app, command, env={"DATABASE_URL": url, "NO_COLOR": "1"})
    assert (result.stdout, result.stderr.count("\n")) == ("", 1), result.output
    return result.exit_code, re.sub(r"\x1b\[[\d;]*m", "", result.stderr.rstrip("\n"))


@EVERY
@pytest.mark.parametrize(
    ("url", "status", "sentence"),
    [
        ("", 3, "DATABASE_URL is not set"),
        ("mysql://ada:s3cret@localhost/x", 3, "it must be like postgresql://"),
        ("postgresql://ada:s3cret@127.0.0.1:1/x", 4, "nothing listens at 127.0.0.1:1"),
        ("postgresql://ada:s3cret@/x?host=/nowhere", 4, "there is no socket /nowhere/"),
    ],
)
def test_an_address_that_leads_nowhere(
    command: tuple[str, ...], url: str, status: int, sentence: str
) -> None:
    code, stderr = refusal(url, *command)
    assert code == status
    assert re.search(sentence, stderr)
    assert "s3cret" not in stderr


@EVERY
def test_a_server_that_refuses(migrated: str, command: tuple[str, ...]) -> None:
    before = catalogue(migrated)
    absent = urlunsplit(urlsplit(migrated)._replace(path="/dal_test_absent"))
    assert refusal(absent, *command)[0] == 7
    assert refusal(connecting_as(migrated, "dal_test_nobody"), *command)[0] == 6
    with role(migrated, options="CONNECTION LIMIT 0") as crowded:
        assert refusal(crowded, *command)[0] == 8
    assert catalogue(migrated) == before


@EVERY
def test_a_role_without_the_privilege(empty_database: str, command: tuple[str, ...]) -> None:
    run(empty_database, "REVOKE CREATE ON SCHEMA public FROM public")
    with role(empty_database) as reader:
        code, stderr = refusal(reader, *command)
    assert code == 9
    assert "the role may not create tables" in stderr
    assert "migrate as the schema's owner" in stderr


def test_a_role_that_owns_nothing_here(migrated: str) -> None:
    """It may create tables, but change none of ours, nor read what was applied."""
    run(migrated, "GRANT CREATE ON SCHEMA public TO public")
    with role(migrated) as other:
        before = catalogue(migrated)
        for command in RUNS:
            assert refusal(other, *command)[0] == 9
        assert refusal(other, "status")[0] == 9
        assert catalogue(migrated) == before


def test_status_needs_two_tables_to_read_and_nothing_else(migrated: str) -> None:
    with role(migrated, "GRANT SELECT ON _yoyo_migration, _yoyo_log TO {role}") as reader:
        result = CliRunner().invoke(app, ["status"], env={"DATABASE_URL": reader})
    assert (result.exit_code, result.stdout.count(" applied ")) == (0, len(IDS))


def test_a_standby(dal_server: Postgres) -> None:
    with Restartable.like(dal_server) as server:
        # Which no standby has.
        run(server.dsn(), "ALTER ROLE postgres SET default_transaction_isolation = serializable")
        server.stop()
        signal = server.directory / "data" / "standby.signal"
        signal.touch()
        owner = signal.parent.stat()
        os.chown(signal, owner.st_uid, owner.st_gid)
        server.start()
        for command in RUNS:
            code, stderr = refusal(server.dsn(), *command)
            assert code == 10
            assert "migrate on the primary" in stderr
        result = CliRunner().invoke(app, ["status"], env={"DATABASE_URL": server.dsn()})
        assert (result.exit_code, result.stdout.count("pending")) == (14, len(IDS))
        result = CliRunner().invoke(app, ["ping"], env={"DATABASE_URL": server.dsn()})
        assert (result.exit_code, f"none, {len(IDS)} pending" in result.stdout) == (0, True)


@EVERY
def test_another_run_at_work(migrated: str, command: tuple[str, ...]) -> None:
    before = catalogue(migrated)
    with lock_held(migrated) as pid:
        code, stderr = refusal(migrated, *command, "--wait", "0")
    assert code == 12
    assert f"another run is at work (pid {pid}" in stderr
    assert catalogue(migrated) == before
