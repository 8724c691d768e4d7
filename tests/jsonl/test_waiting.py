"""Whoever writes or reads lines may be slow: the event loop goes on, and nothing is held open."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import dal
from dal.errors import DalError
from dal.jsonl import export_everyone, import_lines, spool
from tests.faults.activity import eventually, sessions
from tests.jsonl.test_command import CHECKOUT, GOOD, NOWHERE

LARGE = json.dumps({"user_id": "ada", "messages": [{"role": "assistant", "content": "x" * 2**20}]})


def command(url: str, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(CHECKOUT)}
    argv = [sys.executable, "-m", "dal", *arguments]
    return subprocess.Popen[bytes](argv, env=environment, **options)


async def test_lines_that_block(db: dal.Database) -> None:
    turns = in_use = 0

    def lines() -> Iterator[bytes]:
        nonlocal in_use
        for _ in range(3):
            time.sleep(0.1)
            in_use += db.stats().in_use
            yield GOOD

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    turning = asyncio.create_task(turn())
    assert (await import_lines(db, lines(), user_id="ada")).messages == 3
    turning.cancel()
    assert turns > 10
    assert in_use == 0


async def test_lines_that_are_waited_for(db: dal.Database) -> None:
    async def lines() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0)
            assert db.stats().in_use == 0
            yield GOOD

    assert (await import_lines(db, lines(), user_id="ada")).messages == 3


async def test_an_import_that_is_cancelled_lets_go_of_its_thread(db: dal.Database) -> None:
    handed, asked = asyncio.Event(), 0
    loop = asyncio.get_running_loop()

    def lines() -> Iterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            time.sleep(0.0001)
            loop.call_soon_threadsafe(handed.set)
            yield GOOD

    importing = asyncio.create_task(import_lines(db, lines(), user_id="ada"))
    await handed.wait()
    importing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await importing
    await loop.shutdown_default_executor()  # it waits for threads
    assert asked <= 2000


async def test_a_slow_reader_of_the_command(db: dal.Database, url: str) -> None:
    await import_lines(db, [LARGE.encode()])
    await db.close()
    with command(url, "export", stdout=subprocess.PIPE) as child:
        assert child.stdout
        start = await asyncio.to_thread(child.stdout.read, 10)
        await eventually(lambda: sessions(url), [])
        assert child.poll() is None
        [line] = (start + child.stdout.read()).splitlines()
    assert (child.returncode, len(json.loads(line)["messages"][0]["content"])) == (0, 2**20)


async def test_a_reader_that_has_had_enough(db: dal.Database, url: str) -> None:
    await import_lines(db, [LARGE.encode()] * 3)
    with command(url, "export", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stderr
        child.stdout.read(10)
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 141


NO_ROOM = r"^the lines can't be kept in a temporary file \(.+\); set TMPDIR to a folder with room"


async def test_no_folder_for_temporary_files(
    db: dal.Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await import_lines(db, [LARGE.encode()])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    monkeypatch.setattr(spool, "_IN_MEMORY", 1000)
    with pytest.raises(DalError, match=NO_ROOM):
        await import_lines(db, (line.encode() for line in [LARGE]))
    with pytest.raises(DalError, match=NO_ROOM):
        [line async for line in export_everyone(db)]
    assert db.stats().in_use == 0
    [rows] = await db.fetch("SELECT count(*) FROM messages")
    assert rows[0] == 1


@pytest.mark.parametrize("arguments", [["import", "-"], ["export"]])
async def test_no_room_for_temporary_files(
    db: dal.Database, url: str, arguments: list[str]
) -> None:
    """What comes through a pipe is there, or can't be, before the server is asked."""
    lines = [LARGE.encode()] * 4
    await import_lines(db, lines)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, 2**21))

    child = command(
        url if arguments == ["export"] else NOWHERE,
        *arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=limit,
    )
    out, stderr = await asyncio.to_thread(child.communicate, b"\n".join(lines))
    assert (child.returncode, out) == (1, b"")
    assert stderr.startswith(b"error: the lines can't be kept in a temporary file (")
    assert b"Traceback" not in stderr
    [rows] = await db.fetch("SELECT count(*) FROM messages")
    assert rows[0] == 4
