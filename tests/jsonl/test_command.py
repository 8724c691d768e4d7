"""`dal import` and `dal export`, as a person runs them."""

import base64
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dal.cli.commands import app

CHECKOUT = Path(__file__).parents[2]
DIALOGUES = CHECKOUT / "dal" / "demo" / "dialogues.jsonl"


Ended = subprocess.CompletedProcess[bytes]


def spawned(url: str, *arguments: str | Path, stdin: bytes = b"", **options: Any) -> Ended:
    """A command in a process of its own."""
    environment = os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "dal", *map(str, arguments)]
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(command, input=stdin, env=environment, **streams)


def run(url: str, *arguments: str | Path, stdin: bytes = b"") -> Ended:
    """A command in this process, which is faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        ended = CliRunner().invoke(app, [*map(str, arguments)], input=stdin)
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return Ended(arguments, ended.exit_code, ended.stdout_bytes, ended.stderr_bytes)


def conversations_in(lines: bytes) -> list[tuple[str, list[Any]]]:
    """Each conversation's user and messages, without ids and times."""
    keys = ("role", "content", "metadata")
    parsed = [json.loads(line) for line in lines.splitlines()]
    return sorted(
        (line["user_id"], [[message.get(key) for key in keys] for message in line["messages"]])
        for line in parsed
    )


def test_what_goes_in_comes_out(url: str, tmp_path: Path) -> None:
    into = run(url, "import", DIALOGUES)
    assert (into.returncode, into.stderr) == (0, b"")
    assert b"messages                    418" in into.stdout
    out = run(url, "export")
    assert (out.returncode, out.stderr) == (0, b"")
    assert conversations_in(out.stdout) == conversations_in(DIALOGUES.read_bytes())

    again = run(url, "import", "-", stdin=out.stdout)
    assert b"known messages              418" in again.stdout
    assert run(url, "export").stdout == out.stdout
    hers = [line for line in conversations_in(out.stdout) if line[0] == "ada"]
    assert conversations_in(run(url, "export", "--user-id", "ada").stdout) == hers
    with (tmp_path / "export").open("wb") as file:  # to a file it is written at once
        assert spawned(url, "export", stdout=file).returncode == 0
    assert (tmp_path / "export").read_bytes() == out.stdout


NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"

GOOD = b'{"messages": [{"role": "user", "content": "good"}]}\n'
LONG = b'{"messages": [{"role": "user", "content": "%s"}]}\n' % (b"secret" * 200)


def test_a_bad_line_stops_it_and_nothing_stays(url: str, tmp_path: Path) -> None:
    (tmp_path / "chats").write_bytes(GOOD + LONG + GOOD)
    stopped = run(url, "import", tmp_path / "chats", "--user-id", "ada")
    assert (stopped.returncode, stopped.stdout) == (1, b"")
    assert stopped.stderr.startswith(b"error: line 2: ")
    assert b"secret" not in stopped.stderr
    assert run(url, "export").stdout == b""
    assert [path.name for path in tmp_path.iterdir()] == ["chats"]


def test_bad_lines_are_kept_apart_and_nothing_is_lost(url: str, tmp_path: Path) -> None:
    (tmp_path / "chats").write_bytes(GOOD + LONG + b'\xff{"\n' + GOOD)
    kept = run(url, "import", tmp_path / "chats", "--user-id", "ada", "--keep-going")
    assert kept.returncode == 1
    assert b"2 bad lines are in" in kept.stderr
    assert conversations_in(run(url, "export").stdout) == [("ada", [["user", "good", None]])] * 2
    lines = (tmp_path / "chats.rejects").read_text().splitlines()
    second, third = (json.loads(line) for line in lines)
    assert (second["line"], second["text"].encode()) == (2, LONG)
    assert (third["line"], base64.b64decode(third["base64"])) == (3, b'\xff{"\n')
    assert second["reason"]
    assert third["reason"]


@pytest.mark.parametrize("file", ["absent.jsonl", "."])
def test_a_file_that_cannot_be_read(file: str) -> None:
    refused = run(NOWHERE, "import", file)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {file}: ".encode())
    assert b"Traceback" not in refused.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "chats").touch(mode=0o200)
    refused = run(NOWHERE, "import", tmp_path / "chats")
    assert (refused.returncode, b"Permission denied" in refused.stderr) == (1, True)


def test_a_pipe_with_a_name(url: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "chats")
    writing = threading.Thread(target=(tmp_path / "chats").write_bytes, args=[GOOD * 3])
    writing.start()
    assert run(url, "import", tmp_path / "chats", "--user-id", "ada").returncode == 0
    writing.join()
    assert conversations_in(run(url, "export").stdout) == [("ada", [["user", "good", None]])] * 3


@pytest.mark.parametrize(
    ("command", "closed", "sentence"),
    [
        ("import -", "<&-", b"error: standard input is closed\n"),
        ("export", ">&-", b"error: standard output is closed\n"),
        ("export", ">/dev/full", b"error: standard output: No space left on device\n"),
    ],
)
def test_nowhere_to_read_or_write(url: str, command: str, closed: str, sentence: bytes) -> None:
    run(url, "import", "-", "--user-id", "ada", stdin=GOOD)
    environment = os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(CHECKOUT)}
    shell = f"{sys.executable} -m dal {command} {closed}"
    done = subprocess.run(shell, shell=True, stderr=subprocess.PIPE, env=environment)
    assert (done.returncode, done.stderr) == (1, sentence)
