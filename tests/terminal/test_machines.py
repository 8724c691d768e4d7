"""What --json gives to a machine and --quiet leaves, and the answer no."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from dal.cli.commands import app
from tests.jsonl.test_command import GOOD
from tests.migrations.database import IDS, LAST
from tests.surface import ID
from tests.terminal.screen import on_terminal

Run = Callable[..., Result]
OLD = """
    INSERT INTO users (id) VALUES ('ada');
    INSERT INTO conversations (user_id, updated_at) SELECT 'ada', now() - interval '100 days';
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command in an empty folder; the first argument is the address."""
    monkeypatch.chdir(tmp_path)

    def run(url: str, *arguments: str, stdin: bytes = b"") -> Result:
        environment = {"DATABASE_URL": url, "NO_COLOR": "1"}
        return CliRunner().invoke(app, arguments, input=stdin, env=environment)

    return run


def parsed(result: Result, status: int = 0) -> Any:
    assert result.exit_code == status, result.stderr
    return json.loads(result.stdout)


def test_migrations(run: Run, empty_database: str) -> None:
    def json_of(*arguments: str, status: int = 0) -> Any:
        return parsed(run(empty_database, *arguments, "--json"), status)

    assert json_of("migrate", "--dry-run") == {"would_apply": IDS, "pending": IDS}
    assert json_of("migrate", "-n", "2") == {"applied": IDS[:2], "pending": IDS[2:]}
    assert [state["id"] for state in json_of("status", status=14)] == IDS
    assert json_of("migrate") == {"applied": IDS[2:], "pending": []}
    assert json_of("rollback", "--yes") == {"rolled_back": [LAST]}
    assert json_of("baseline", IDS[-2]) == {"marked": []}
    assert "applied" in run(empty_database, "migrate", "--json").stderr


def test_rows(run: Run, url: str) -> None:
    summary = parsed(run(url, "import", "-", "--user-id", "ada", "--json", stdin=GOOD))
    assert (summary["lines"], summary["messages"], summary["rejected"]) == (1, 1, 0)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE conversations SET updated_at = now() - interval '1 y'")
    late = parsed(run(url, "orphans", "--json"), 16)
    assert (late["mended"], [orphan["kind"] for orphan in late["orphans"]]) == (0, ["clock"])
    assert parsed(run(url, "orphans", "--delete", "--json")) == {"mended": 1, "orphans": []}
    dry = parsed(run(url, "archive", "--older-than", "0d", "--dry-run", "--json"))
    assert (dry["conversations"], dry["finished"]) == (1, True)
    assert parsed(run(url, "archive", "--older-than", "0d", "--json"))["conversations"] == 1
    assert parsed(run(url, "purge", "--archived-for", "9d", "--json"))["conversations"] == 0
    owned = parsed(run(url, "erase-user", "ada", "--dry-run", "--json"))
    assert owned["conversations"] == 1
    assert parsed(run(url, "erase-user", "ada", "--yes", "--json"))["conversations"] == 1


def test_looks(run: Run, url: str) -> None:
    assert parsed(run(url, "ping", "--json"))["schema"] == LAST
    assert parsed(run(url, "check", "--json")) == []
    get = ("messages.get", "--user-id", "ada", f"--message-id={ID}")
    [plan] = parsed(run(url, "explain", *get, "--json"))
    assert plan["Plan"]["Actual Rows"] == 0
    assert parsed(run(url, "lint-migrations", "--json")) == []
    assert "functions" in parsed(run(url, "stats", "--json"))


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("ping", 0),
        ("migrate", 0),
        ("status", 0),
        (f"baseline {LAST}", 0),
        ("check -q", 0),
        ("archive -q", 0),
        ("purge --archived-for 0d", 0),
        ("erase-user ada --yes", 0),
        ("orphans", 0),
        ("lint-migrations", 0),
        ("rollback --yes", 0),
        ("import -", 0),
    ],
)
def test_quiet(run: Run, url: str, command: str, status: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(OLD.encode())
    name, *rest = command.split()
    ended = run(url, name, *rest, *([] if "-q" in rest else ["--quiet"]), stdin=b"")
    assert (ended.exit_code, ended.stdout, ended.stderr) == (status, "", "")
    assert run(url, "ping").stdout  # said again by the next one


def test_quiet_leaves_errors_and_json(run: Run, empty_database: str) -> None:
    dead = run("postgresql://ada@127.0.0.1:1/x", "ping", "--quiet")
    assert (dead.exit_code, dead.stdout) == (4, "")
    assert dead.stderr.startswith("error: nothing listens at ")
    states = run(empty_database, "status", "--quiet", "--json")
    assert [state["id"] for state in parsed(states, 14)] == IDS
    pending = run(empty_database, "status", "--quiet")
    assert (pending.exit_code, pending.stdout, pending.stderr) == (14, "", "")
    migrated = run(empty_database, "migrate", "--quiet", "--json")
    assert (parsed(migrated)["applied"], migrated.stderr) == (IDS, "")


@pytest.mark.parametrize(
    ("keys", "status"), [("n\n", 0), ("\n", 0), ("\x03", 130)], ids=["no", "return", "Ctrl-C"]
)
@pytest.mark.parametrize("command", ["rollback", "erase-user"])
def test_no_changes_nothing(url: str, command: str, keys: str, status: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(OLD.encode())
    words = [command, *(["ada"] if command == "erase-user" else [])]
    ended = on_terminal(*words, environment={"DATABASE_URL": url}, keys=keys)
    assert (ended.status, ended.screen.splitlines()[-1][-19:]) == (status, "nothing was changed")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM conversations").fetchone() == (1,)


def test_rejects_of_a_pipe_go_where_they_are_told(run: Run, url: str, tmp_path: Path) -> None:
    refused = run(url, "import", "-", "--keep-going", stdin=b"bad\n")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--rejects" in refused.stderr
    assert run(url, "import", "/dev/stdin", "--keep-going").exit_code == 2
    assert list(tmp_path.iterdir()) == []
    result = run(url, "import", "-", "--keep-going", "--rejects", "bad", stdin=b"bad\n")
    assert (result.exit_code, [path.name for path in tmp_path.iterdir()]) == (1, ["bad"])
