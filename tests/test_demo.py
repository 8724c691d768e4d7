"""The demo: what a person sees, in a terminal and through a pipe, and what it refuses."""

import io
import json
import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import psycopg
import pytest
from rich.console import Console
from typer.testing import CliRunner

import dal
from dal.cli.commands import app
from dal.demo import dialogues, play
from dal.testing.server import Postgres
from tests.migrations.database import LAST

DEMO = [sys.executable, "-m", "dal", "demo"]
SECTIONS = [
    f"applied {LAST} in ",
    "read back: ",
    "'s conversations, the most recent first",
    "'s last chat, remembered",
    "'s longest chat, ",
    "'s tasks",
    "Another user gets nothing",
    "A user's message of 1,001 characters is refused",
    "What each call took, in milliseconds",
]
SMALL = [
    {"user_id": "ada", "messages": [{"role": "user", "content": "Buy [bold]milk[/bold]"}]},
    {
        "user_id": "bob",
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi", "metadata": {"tool": "none"}},
        ],
    },
]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder and an environment that point to a database which the demo must not touch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(dal.__file__).parents[1]))
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/x")
    Path(".env").write_text("DATABASE_URL=postgresql://127.0.0.1:1/y\n")
    for name in ("FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file of two small dialogues."""
    path = tmp_path / "small.jsonl"
    path.write_text("\n\n".join(map(json.dumps, SMALL)))
    return path


def plain(text: str) -> str:
    """The text without what only a terminal understands."""
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text)


def in_order(parts: list[str], text: str) -> list[str]:
    """The parts that the text does not hold, each after the one before it."""
    missing, place = [], 0
    for part in parts:
        position = text.find(part, place)
        if position < 0:
            missing.append(part)
        else:
            place = position + len(part)
    return missing


def is_gone(dal_server: Postgres, output: str) -> bool:
    """Whether the database that the demo says it made is not there."""
    name = re.search(r"dal_demo_[0-9a-f]+", output)
    assert name, output
    with psycopg.connect(dal_server.url) as connection:
        rows = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name[0]])
        return rows.fetchone() is None


def test_piped() -> None:
    done = subprocess.run(DEMO, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert in_order(["An embedded PostgreSQL, ready in ", *SECTIONS], done.stdout) == []
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout


def test_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, 80))
    with subprocess.Popen(DEMO, stdin=child, stdout=child, stderr=child) as process:
        os.close(child)
        output = b""
        with os.fdopen(parent, "rb", buffering=0) as terminal, suppress(OSError):
            while part := terminal.read(65536):  # Linux ends with an error instead
                output += part
    seen = plain(output.decode())
    assert process.returncode == 0, seen
    assert in_order(SECTIONS, seen) == []
    tables = re.findall(r"\r\n +─+ *\r\n(.+?)\r\n *\r\n", seen, re.DOTALL)
    conversations, tasks, timings = (table.split("\r\n") for table in tables)
    assert max(map(len, conversations + tasks + timings)) <= 80
    assert all(re.fullmatch(r" +\S+ \S+ +active +[0-9a-f-]{36} *", row) for row in conversations)
    assert all(re.fullmatch(r" +\[[x ]\] +\S.+", row) for row in tasks)
    assert all(re.fullmatch(r" +[a-z_.]+ +\d+( +\d+\.\d\d){3} *", row) for row in timings)


def with_its_name_twice(url: str) -> str:
    """A database in the query wins over the one in the path: the demo must replace both."""
    name = urlsplit(url).path.removeprefix("/")
    return f"{url}{'&' if '?' in url else '?'}dbname={name}"


def test_own_dialogues_on_a_server(dal_server: Postgres, small: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--data", small, "--url", with_its_name_twice(dal_server.url)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    read_back = "read back: 2 conversations with 3 messages, all equal"
    assert in_order([read_back, "user: Buy [bold]milk[/bold]"], done.stdout) == []
    assert is_gone(dal_server, done.stdout)
    with psycopg.connect(dal_server.url) as connection:  # nothing was written beside it
        assert connection.execute("SELECT to_regclass('messages')").fetchone() == (None,)


def test_database_goes_when_the_play_fails(
    dal_server: Postgres, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> NoReturn:
        raise dal.errors.ConnectionLostError

    monkeypatch.setattr(dal.messages, "stream", broken)
    output = io.StringIO()
    with pytest.raises(dal.errors.ConnectionLostError):
        play(Console(file=output), data=small, url=dal_server.url)
    assert "played 2 conversations" in output.getvalue()
    assert is_gone(dal_server, output.getvalue())


def line(**changes: object) -> str:
    message = {"role": "user", "content": "Hello"} | changes
    return json.dumps({"user_id": "ada", "messages": [message]})


BAD_LINES = {
    "not JSON": ("[", "is not JSON: "),
    "no messages": ('{"user_id": "ada"}', "needs messages "),
    "a task": ('{"user_id": "ada", "task": {"title": "Milk"}}', "is a task, "),
    "wrong role": (line(role="system"), "messages[0].role: is system; "),
    "extra key": (line(time="noon"), "messages[0]: has a key that is not in the format"),
    "no text": (line(content=None), "messages[0].content: is null; "),
    "1,001 characters": (line(content="x" * 1001), "messages[0].content: a user's message "),
}


@pytest.mark.parametrize(("text", "reason"), BAD_LINES.values(), ids=BAD_LINES)
def test_bad_line(dal_server: Postgres, tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(f"{line()}\n{text}\n")
    assert refusal(path, dal_server).startswith(f"error: {path}, line 2: {reason}")


def test_no_dialogues(dal_server: Postgres, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    for path, reason in [
        (empty, "there is no dialogue in it"),
        (tmp_path / "missing.jsonl", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ]:
        assert refusal(path, dal_server) == f"error: {path}: {reason}\n"


def refusal(path: Path, dal_server: Postgres) -> str:
    """The one line that the demo says about a file."""
    result = CliRunner().invoke(app, ["demo", "--data", str(path), "--url", dal_server.url])
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 1
    stderr = plain(result.stderr)
    assert re.fullmatch(r"error: [^\n]+\n", stderr)
    return stderr


def test_bundled_dialogues_are_worth_playing() -> None:
    played = dialogues.read(dialogues.OWN)
    messages = [message for dialogue in played for message in dialogue.messages]
    assert len(played) >= 20
    assert len(messages) >= 300
    assert any(message.metadata and "tool" in json.loads(message.metadata) for message in messages)
    assert max(len(dialogue.messages) for dialogue in played) > 40
