"""The command line as people and deployments meet it: what it prints, and how it ends."""

import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

import dal
from dal.cli import app

DEAD = "postgresql://ada:s3cret@127.0.0.1:1/x"
IDS = ["0001.users", "0002.tasks", "0003.conversations", "0004.messages"]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder to run in, and an environment without a say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(dal.__file__).parents[1]))
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("DATABASE_URL", "")  # so that what .env sets is undone as well
    monkeypatch.delenv("DATABASE_URL")


def process(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `python -m dal`."""
    done = subprocess.run(
        [sys.executable, "-m", "dal", *arguments], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def inside(*arguments: str) -> tuple[int, str, str]:
    """The same in this process, which is faster; colours, which it may have, are left out."""
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    out, err = (re.sub(r"\x1b\[[\d;]*m", "", text) for text in (result.stdout, result.stderr))
    return result.exit_code, out, err


def refusal(*arguments: str) -> str:
    """The one line that a failing command says."""
    code, out, err = inside(*arguments)
    assert (code, out) == (1, "")
    assert re.fullmatch(r"error: [^\n]+\n", err)
    return err


def test_a_database_there_and_back(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)

    def lines(*arguments: str) -> list[str]:
        code, out, err = inside(*arguments)
        assert (code, err) == (0, "")
        return re.sub(r"\d+ ms", "N ms", re.sub(r"\d{4}-.* UTC", "TIME", out)).splitlines()

    pending = [f"{name:<20} pending" for name in IDS]
    applied = [f"{name:<20} applied TIME" for name in IDS]
    assert lines("status") == pending
    steps = [f"applied {name} in N ms" for name in IDS]
    assert lines("migrate") == [*steps, "the database is up to date"]
    assert lines("status") == applied
    assert lines("migrate") == ["nothing to do: it is up to date"]
    assert lines("rollback") == ["rolled back 0004.messages in N ms"]
    assert lines("status") == applied[:-1] + pending[-1:]


def test_nothing_to_roll_back(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)
    assert inside("rollback") == (0, "nothing to do: no migration is applied\n", "")


def test_env_file_is_read(empty_database: str) -> None:
    Path(".env").write_text(f"DATABASE_URL={empty_database}\n")
    code, out, err = process("migrate")
    assert (code, out.count("applied "), err) == (0, len(IDS), "")


def test_environment_wins_over_env_file(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".env").write_text(f"DATABASE_URL={DEAD}\n")
    monkeypatch.setenv("DATABASE_URL", empty_database)
    code, out, err = process("status")
    assert (code, out.count(" pending\n"), err) == (0, len(IDS), "")


@pytest.mark.parametrize("command", ["migrate", "rollback", "status"])
class TestRefusals:
    @pytest.mark.parametrize("value", [None, ""])
    def test_no_address(
        self, command: str, value: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if value is not None:
            monkeypatch.setenv("DATABASE_URL", value)
        assert "DATABASE_URL is not set; export it, or write it into .env" in refusal(command)

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            (DEAD, "no connection to the database"),
            ("postgresql://ada:s3cret@/x?host=/nowhere", "no connection to the database"),
            ("postgresql://ada:s3cret@localhost/x?sslmod=require", "did you mean sslmode?"),
            ("postgresql://ada:s3cret@with@host/x", "percent-encoded"),
            ("mysql://ada:s3cret@localhost/x", "it must be like postgresql://"),
        ],
    )
    def test_wrong_address(
        self, command: str, url: str, reason: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", url)
        said = refusal(command)
        assert reason in said
        assert "s3cret" not in said


def test_table_in_the_way(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE messages (text text)")
    monkeypatch.setenv("DATABASE_URL", empty_database)
    assert "public.messages exists" in refusal("migrate")


def test_alone_it_prints_help() -> None:
    code, out, err = process()
    assert code in (0, 2)  # by Typer's version
    for command in ("migrate", "rollback", "status", "demo"):
        assert command in out + err


def test_unknown_command() -> None:
    code, out, err = process("migrat")
    assert (code, out) == (2, "")
    assert "No such command" in err
    assert "Traceback" not in err
