"""`dal import` and `dal export`, as a person runs them."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
DIALOGUES = CHECKOUT / "dal" / "demo" / "dialogues.jsonl"


def run(
    url: str, *arguments: str | Path, stdin: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    environment = os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "dal", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, env=environment)


def said(lines: bytes) -> list[tuple[str, list[Any]]]:
    """What was said, whatever ids and times it was given."""
    keys = ("role", "content", "metadata")
    found = [json.loads(line) for line in lines.splitlines()]
    return sorted(
        (one["user_id"], [[message.get(key) for key in keys] for message in one["messages"]])
        for one in found
    )


def test_what_goes_in_comes_out(url: str) -> None:
    into = run(url, "import", DIALOGUES)
    assert (into.returncode, into.stderr) == (0, b"")
    assert b"messages                    418" in into.stdout
    out = run(url, "export")
    assert (out.returncode, out.stderr) == (0, b"")
    assert said(out.stdout) == said(DIALOGUES.read_bytes())

    again = run(url, "import", "-", stdin=out.stdout)
    assert b"known messages              418" in again.stdout
    assert run(url, "export").stdout == out.stdout
    hers = [one for one in said(out.stdout) if one[0] == "ada"]
    assert said(run(url, "export", "--user-id", "ada").stdout) == hers


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
    assert said(run(url, "export").stdout) == [("ada", [["user", "good", None]])] * 2
    lines = (tmp_path / "chats.rejects").read_text().splitlines()
    second, third = (json.loads(line) for line in lines)
    assert (second["line"], second["text"].encode()) == (2, LONG)
    assert (third["line"], base64.b64decode(third["base64"])) == (3, b'\xff{"\n')
    assert second["reason"]
    assert third["reason"]


@pytest.mark.parametrize("file", ["absent.jsonl", "."])
def test_a_file_that_cannot_be_read(url: str, file: str) -> None:
    refused = run(url, "import", file)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {file}: ".encode())
    assert b"Traceback" not in refused.stderr


def test_the_rejects_never_take_the_place_of_the_file(url: str, tmp_path: Path) -> None:
    chats = tmp_path / "chats"
    chats.write_bytes(GOOD + LONG)
    same = run(url, "import", chats, "--user-id", "ada", "--keep-going", "--rejects", chats)
    assert same.returncode == 1
    assert b"a file of their own" in same.stderr
    assert chats.read_bytes() == GOOD + LONG


def test_rejects_of_an_earlier_run_are_gone(url: str, tmp_path: Path) -> None:
    (tmp_path / "chats").write_bytes(GOOD)
    (tmp_path / "chats.rejects").write_text("old")
    assert (
        run(url, "import", tmp_path / "chats", "--user-id", "ada", "--keep-going").returncode == 0
    )
    assert not (tmp_path / "chats.rejects").exists()


def test_a_folder_for_the_rejects_that_is_not_there(url: str, tmp_path: Path) -> None:
    (tmp_path / "chats").write_bytes(LONG)
    into = tmp_path / "absent" / "rejects"
    refused = run(url, "import", tmp_path / "chats", "--keep-going", "--rejects", into)
    assert refused.returncode == 1
    assert b"No such file" in refused.stderr
    assert b"Traceback" not in refused.stderr
