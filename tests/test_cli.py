"""The command line as people and deployments meet it: what it prints, and how it ends."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

import dal
from dal import migrate as migrations
from dal.cli.commands import app
from tests.commands import CALLS
from tests.migrations.database import IDS, LAST

DEAD = "postgresql://ada:s3cret@127.0.0.1:1/x"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder to run in, and an environment that sets nothing."""
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


def refusal(status: int, *arguments: str) -> str:
    """The one line that a failing command says, ending with an exit status."""
    code, out, err = inside(*arguments)
    assert (code, out) == (status, "")
    assert re.fullmatch(r"error: [^\n]+\n", err)
    return err


def test_a_database_there_and_back(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)

    def lines(*arguments: str, status: int = 0) -> list[str]:
        code, out, err = inside(*arguments)
        assert (code, err) == (status, "")
        return re.sub(r"\d+ ms", "N ms", re.sub(r"\d{4}-.* UTC", "TIME", out)).splitlines()

    pending = [f"{name:<20} pending" for name in IDS]
    applied = [f"{name:<20} applied TIME" for name in IDS]
    assert lines("status", status=14) == pending
    assert lines("migrate", "--dry-run") == [f"would apply {name}" for name in IDS]
    assert lines("status", status=14) == pending
    steps = [f"applied {name} in N ms" for name in IDS]
    assert lines("migrate", "-n", "1") == [*steps[:1], f"{len(IDS) - 1} still pending"]
    assert lines("migrate", "--to", "0003") == [*steps[1:3], f"{len(IDS) - 3} still pending"]
    assert lines("status", status=14) == applied[:3] + pending[3:]
    assert lines("migrate") == [*steps[3:], "the database is up to date"]
    assert lines("status") == applied
    assert lines("migrate") == ["nothing to do: it is up to date"]
    assert lines("baseline", LAST) == [
        "the schema matches the migrations, which are recorded as applied"
    ]
    undone = [f"rolled back {name} in N ms" for name in IDS]
    assert lines("rollback", "--yes") == undone[-1:]
    assert lines("rollback", "--to", "0001.users", "--yes") == undone[-2:0:-1]
    assert lines("migrate", "--wait", "0") == [*steps[1:], "the database is up to date"]
    assert lines("rollback", "-n", str(len(IDS) - 1), "--yes") == undone[:0:-1]
    assert lines("rollback", "--all", "--yes") == undone[:1]
    assert lines("rollback", "--yes") == ["nothing to do: no migration is applied"]
    assert lines("status", status=14) == pending


def test_status_for_machines(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)
    inside("migrate", "-n", "1")
    code, out, err = inside("status", "--json")
    assert (code, err) == (14, "")
    first, *others = json.loads(out)
    assert datetime.fromisoformat(first.pop("applied_at")).tzinfo == UTC
    fine: dict[str, Any] = {"problem": None, "notes": []}
    assert first == {"id": IDS[0]} | fine
    assert others == [{"id": name, "applied_at": None} | fine for name in IDS[1:]]


def test_status_of_a_disagreement(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)
    inside("migrate")
    with psycopg.connect(empty_database) as connection:
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id = '0002.tasks'")
    problem = f"not applied, though {LAST} is: give it the next number"
    code, out, _ = inside("status")
    assert (code, out.splitlines()[1]) == (13, f"{IDS[1]:<20} pending  {problem}")
    code, out, _ = inside("status", "--json")
    problems = {state["id"]: state["problem"] for state in json.loads(out)}
    assert (code, problems) == (13, dict.fromkeys(IDS) | {IDS[1]: problem})


@pytest.mark.parametrize(
    ("status", "arguments", "reason"),
    [
        (
            2,
            ("rollback",),
            "The rows of its tables are lost. Standard input is no terminal; pass --yes",
        ),
        (2, ("rollback", "-n", "2", "--all", "--yes"), "-n, --to and --all exclude each other"),
        (2, ("rollback", "-n", "0", "--yes"), "Invalid value for '-n'"),
        (1, ("rollback", "--to", "9", "--yes"), "no such migration; there are 0001.users"),
        (1, ("migrate", "--to", "0009"), "no such migration; there are 0001.users"),
        (2, ("migrate", "--wait", "-1"), "Invalid value for '--wait'"),
        (1, ("baseline", "nothing"), "no such migration; there are 0001.users"),
    ],
)
def test_wrong_calls(
    empty_database: str,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    arguments: tuple[str, ...],
    reason: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)
    inside("migrate")
    code, out, err = inside(*arguments)
    assert (code, out) == (status, "")
    assert reason in " ".join(re.sub(r"[│╭╮╰╯─]", " ", err).split())
    assert inside("status")[0] == 0  # nothing was undone


def test_rollback_asks_on_a_terminal(empty_database: str) -> None:
    def answered(answer: bytes) -> tuple[int, bytes]:
        """Exit status and output of a rollback on a terminal."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ["DATABASE_URL"] = empty_database
            os.execv(sys.executable, [sys.executable, "-m", "dal", "rollback"])
        output = b""
        while b"[y/N]" not in output:
            output += os.read(terminal, 1000)
        os.write(terminal, answer + b"\n")
        with suppress(OSError):  # its end
            while more := os.read(terminal, 1000):
                output += more
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        return os.waitstatus_to_exitcode(status), output

    migrations.apply(empty_database)
    code, output = answered(b"n")
    assert (code, output.endswith(b"nothing was changed\r\n")) == (0, True)
    assert b"Roll back the last migration? The rows of its tables are lost." in output
    assert all(state.applied_at for state in migrations.status(empty_database))
    code, output = answered(b"y")
    assert (code, b"rolled back " + LAST.encode() in output) == (0, True)


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
    assert (code, out.count(" pending\n"), err) == (14, len(IDS), "")


def words(command: str) -> list[str]:
    return CALLS[command].format(chats=__file__).split()


@pytest.mark.parametrize("command", CALLS)
class TestRefusals:
    @pytest.mark.parametrize("value", [None, ""])
    def test_no_address(
        self, command: str, value: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if value is not None:
            monkeypatch.setenv("DATABASE_URL", value)
        assert "DATABASE_URL is not set; export it, or write it into .env" in refusal(
            3, *words(command)
        )

    @pytest.mark.parametrize(
        ("url", "status", "reason"),
        [
            (DEAD, 4, "nothing listens at 127.0.0.1:1; check that the server runs"),
            ("postgresql://ada:s3cret@/x?host=/nowhere", 4, "no socket /nowhere/.s.PGSQL.5432;"),
            ("postgresql://ada:s3cret@localhost/x?sslmod=require", 3, "did you mean sslmode?"),
            ("postgresql://ada:s3cret@with@host/x", 3, "percent-encoded"),
            ("mysql://ada:s3cret@localhost/x", 3, "it must be like postgresql://"),
        ],
    )
    def test_wrong_address(
        self,
        command: str,
        url: str,
        status: int,
        reason: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", url)
        stderr = refusal(status, *words(command))
        assert reason in stderr
        assert "s3cret" not in stderr


def test_table_in_the_way(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE messages (text text)")
    monkeypatch.setenv("DATABASE_URL", empty_database)
    assert "public.messages exists" in refusal(13, "migrate")


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
