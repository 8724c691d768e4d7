"""Every command in odd surroundings: no traceback, and an exit status that says what happened."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

import dal
from dal.testing.server import Postgres
from tests.commands import CALLS, WITH_OWN_SERVER
from tests.places.children import SURROUNDINGS

Run = Callable[..., tuple[int, str, str]]
CHAT = {"user_id": "ada", "messages": [{"role": "user", "content": "Grüße 👋"}]}
NOBODY = "00000000-0000-0000-0000-000000000000"
DEAD = "postgresql://ada:s3cret@127.0.0.1:1/x"

# All of them succeed, and write to standard output.
COMMANDS = {
    **{name: call for name, call in CALLS.items() if name != "rollback"},
    "help": "--help",
    "help of a command": "ping --help",
    "status as JSON": "status --json",
    "import of a stream": "import -",
    "sql": "sql messages.history",
    "lint": "lint-migrations",
}
PROGRESS = r"(archived|deleted) 0 conversations\n"
WITHOUT_DATABASE_URL = {"help", "help of a command", "sql", "lint", "demo"}
# These fail with their own exit statuses, and write to standard error.
FAILING = {
    "unknown": ("migrat", 2),
    "not asked": ("rollback", 2),
    "no file": ("lint-migrations --folder /nowhere", 1),
    "no server": ("ping", 4),
}
STREAMS = [
    "stdin closed",
    "stdout closed",
    "stderr closed",
    "all closed",
    "stdout full",
    "stderr full",
    "reader gone",
    "hearer gone",
    "ASCII",
]
SILENT = {"stderr closed", "all closed", "stderr full", "hearer gone"}
FOR_WITH_OWN_SERVER = ["stdout full", "ASCII", "folder gone"]
BROKEN_PIPE = 141
ANYWHERE = [name for name in SURROUNDINGS if name != "user without a name"]


@pytest.fixture(scope="module")
def run(
    dal_server: Postgres, dal_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """Runs a command in surroundings: its exit status, and what it wrote."""
    folder = tmp_path_factory.mktemp("surroundings")
    (folder / "chats.jsonl").write_text(json.dumps(CHAT) + "\n")
    url = dal_server.create(dal_template)
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO users (id) VALUES ('grace')")
        connection.execute("INSERT INTO conversations (user_id) VALUES ('grace')")
    words = {"url": url, "chats": folder / "chats.jsonl"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.places.children"],
        cwd=Path(dal.__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as children:

        def run(command: str, surroundings: str, address: str = url) -> tuple[int, str, str]:
            request = {
                "command": [word.format(**words) for word in command.split()],
                "surroundings": surroundings,
                "environment": {"DATABASE_URL": address, "FOLDER": str(folder)},
            }
            assert children.stdin
            assert children.stdout
            children.stdin.write(json.dumps(request) + "\n")
            children.stdin.flush()
            answer = json.loads(children.stdout.readline())
            status, out, err = answer["status"], answer["out"], answer["err"]
            assert "Traceback" not in err
            assert "Exception ignored" not in err
            return status, out, err

        yield run
    dal_server.drop(url)


@pytest.mark.parametrize(
    ("command", "surroundings"),
    [(command, name) for command in COMMANDS for name in ANYWHERE]
    + [(command, name) for command in WITH_OWN_SERVER for name in FOR_WITH_OWN_SERVER],
)
def test_a_command_that_succeeds(run: Run, command: str, surroundings: str) -> None:
    status, out, err = run((COMMANDS | WITH_OWN_SERVER)[command], surroundings)
    expected, reason = expect(command, surroundings)
    assert status == expected, err
    assert bool(out) == (expected == 0)
    assert re.fullmatch("" if surroundings in SILENT else f"({PROGRESS})*{reason}", err), err


def expect(command: str, surroundings: str) -> tuple[int, str]:
    """The exit status, and a pattern of what is said on standard error."""
    match surroundings:
        case "stdout closed" | "all closed":
            return 1, "error: (standard output is closed|Bad file descriptor)\n"
        case "stdout full":
            return 1, "error: (standard output: )?No space left on device\n"
        case "reader gone":  # help is Typer's own, which ends with 1
            return 1 if command.startswith("help") else BROKEN_PIPE, ""
        case "stdin closed" if command == "import of a stream":
            return 1, "error: standard input is closed\n"
        case "env file is not UTF-8" if command not in WITHOUT_DATABASE_URL:
            return 3, r"error: \.env can't be read: it is not UTF-8\n"
    return 0, ""


@pytest.mark.parametrize("surroundings", STREAMS)
@pytest.mark.parametrize("command", FAILING)
def test_a_command_that_fails(run: Run, command: str, surroundings: str) -> None:
    words, expected = FAILING[command]
    status, out, err = run(words, surroundings, DEAD)
    assert (status, out) == (expected, "")
    assert bool(err) == (surroundings not in SILENT)


@pytest.mark.parametrize("command", ["ping", "migrate", "export", "check", "import -"])
def test_a_user_without_a_name_has_to_be_named(run: Run, command: str) -> None:
    status, out, err = run(command, "user without a name", "postgresql://127.0.0.1:1/x")
    assert (status, out) == (3, "")
    assert "it names no user, and this process's user id has no name; write user@" in err
    status, out, err = run(command, "user without a name", DEAD)
    assert (status, out) == (4, "")
    assert err.startswith("error: nothing listens at 127.0.0.1:1; ")


@pytest.mark.parametrize(
    ("redirection", "status", "err"),
    [
        (">&-", 1, "error: standard output is closed\n"),
        (">/dev/full", 1, "error: standard output: No space left on device\n"),
        ("| true", BROKEN_PIPE, ""),
        ("2>/dev/full --unknown", 2, ""),
    ],
)
def test_a_process_ends_as_its_children_do_here(redirection: str, status: int, err: str) -> None:
    """All that Python does at its start and end included."""
    program = (
        f"'{sys.executable}' -m dal sql messages.history {redirection}; exit ${{PIPESTATUS[0]}}"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(dal.__file__).parents[1])}
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", err)
