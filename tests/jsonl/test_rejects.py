"""The file of bad lines: it replaces nothing, and no bad line of a stored file is lost."""

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dal.errors import ConnectionLostError
from dal.jsonl import importing
from tests.jsonl.test_command import GOOD, LONG, NOWHERE, Ended, run, spawned

TARGETS: dict[str, Callable[[Path], Any]] = {
    "a file": lambda path: path.write_text("old"),
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("/dev/null"),
    "a link to nothing": lambda path: path.symlink_to("absent"),
}


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    """A good line and a bad one, in a folder of their own."""
    (tmp_path / "chats").write_bytes(GOOD + LONG)
    return tmp_path / "chats"


def beside(chats: Path) -> list[str]:
    return sorted(path.name for path in chats.parent.iterdir() if path != chats)


@pytest.fixture
def keep_going(url: str, chats: Path) -> Callable[..., Ended]:
    """Imports in this process, so that a test can look or stand in the way."""

    def imported(*arguments: str | Path, url: str = url) -> Ended:
        return run(url, "import", chats, "--user-id", "ada", "--keep-going", *arguments)

    return imported


@pytest.mark.parametrize("make", TARGETS.values(), ids=TARGETS)
def test_what_is_there_stays_and_nobody_is_asked(
    chats: Path, keep_going: Callable[..., Ended], make: Callable[[Path], Any]
) -> None:
    make(chats.with_name("chats.rejects"))
    before = chats.with_name("chats.rejects").lstat()
    refused = keep_going(url=NOWHERE)
    assert refused.returncode == 1
    assert b"chats.rejects is there already; move it away" in refused.stderr
    assert chats.with_name("chats.rejects").lstat() == before
    assert beside(chats) == ["chats.rejects"]


def test_neither_a_device_nor_the_file_itself(
    chats: Path, keep_going: Callable[..., Ended]
) -> None:
    for target in ("/dev/null", chats):
        refused = keep_going("--rejects", target, url=NOWHERE)
        assert (refused.returncode, b"is there already" in refused.stderr) == (1, True)
    assert chats.read_bytes() == GOOD + LONG


def test_a_folder_that_is_not_there(chats: Path, keep_going: Callable[..., Ended]) -> None:
    into = chats.parent / "absent" / "rejects"
    refused = keep_going("--rejects", into, url=NOWHERE)
    assert refused.returncode == 1
    assert refused.stderr.decode() == f"error: {into}: No such file or directory\n"


def test_they_go_with_keep_going(chats: Path) -> None:
    refused = run(NOWHERE, "import", chats, "--rejects", f"{chats}.bad")
    assert (refused.returncode, b"--keep-going" in refused.stderr) == (2, True)


def test_without_a_bad_line_there_is_no_file(chats: Path, keep_going: Callable[..., Ended]) -> None:
    chats.write_bytes(GOOD)
    assert keep_going().returncode == 0
    assert beside(chats) == []


def test_without_an_import_there_is_no_file(chats: Path, keep_going: Callable[..., Ended]) -> None:
    assert keep_going(url=NOWHERE).returncode == 4
    assert beside(chats) == []


def test_a_full_disk_leaves_nothing(url: str, chats: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    full = spawned(url, "import", chats, "--user-id", "ada", "--keep-going", preexec_fn=limit)
    assert (full.returncode, full.stdout) == (1, b"")
    assert full.stderr == f"error: {chats}.rejects: File too large\n".encode()
    assert run(url, "export").stdout == b""
    assert beside(chats) == []


def test_they_are_on_the_disk_before_rows_are_committed(
    url: str, chats: Path, keep_going: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_disk: list[bytes] = []

    def stored() -> int:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT count(*) FROM messages").fetchone()
        assert row
        return int(row[0])

    def fsync(descriptor: int) -> None:
        assert stored() == 0
        [name] = beside(chats)
        on_disk.append(chats.with_name(name).read_bytes())

    monkeypatch.setattr(os, "fsync", fsync)
    assert keep_going().returncode == 1
    assert stored() == 1
    assert on_disk == [chats.with_name("chats.rejects").read_bytes()] * 2  # the file, the folder
    assert chats.with_name("chats.rejects").stat().st_mode & 0o777 == 0o600
    assert beside(chats) == ["chats.rejects"]


@pytest.mark.parametrize("stands", ["in the way", "for a file system without links"])
def test_a_name_that_can_not_be_given(
    chats: Path, keep_going: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, stands: str
) -> None:
    def link(source: Path, target: Path) -> None:
        if stands == "in the way":
            target.write_text("another's")
            raise FileExistsError
        raise PermissionError

    monkeypatch.setattr(os, "link", link)
    done = keep_going()
    names = [name for name in beside(chats) if name != "chats.rejects"]
    assert names != []
    assert done.returncode == 1
    assert f"1 bad line is in {chats.with_name(names[0])}" in done.stderr.decode()
    assert json.loads(chats.with_name(names[0]).read_text())["line"] == 2


@pytest.mark.parametrize("error", [ConnectionLostError, KeyboardInterrupt])
def test_where_the_outcome_is_unknown_they_are_kept(
    chats: Path,
    keep_going: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    store = importing.store_lines

    async def lost(*args: Any, **options: Any) -> Any:
        await store(*args, **options)
        raise error

    monkeypatch.setattr(importing, "store_lines", lost)
    ended = keep_going()
    assert ended.returncode != 0
    assert b"1 bad line is in" in ended.stderr
    assert beside(chats) == ["chats.rejects"]
