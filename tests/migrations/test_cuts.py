"""Runs that are cut off at any moment: the next one finishes the work without a hand."""

import itertools
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM
from threading import Event

import psycopg
import pytest

from dal import migrate
from dal.errors import DalError
from dal.migrate import Folder
from dal.testing.server import Postgres
from tests.migrations.database import AFTER, IDS, NEXT, Add, Catalogue, catalogue, rows
from tests.wire import Loss, Relay, relayed

INDEX = (
    "-- transactional: false\n"
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_due ON tasks (user_id, title)"
)
NO_INDEX = "DROP INDEX CONCURRENTLY IF EXISTS idx_due"
ALL = [*IDS, f"{NEXT}.due", f"{AFTER}.index"]


@pytest.fixture
def longer(folder: Path, add: Add) -> Path:
    """The migrations, one that can't run twice, and one that runs outside a transaction."""
    add(f"{NEXT}.due", "ALTER TABLE tasks ADD due date", "ALTER TABLE tasks DROP due")
    add(f"{AFTER}.index", INDEX, NO_INDEX)
    return folder


@contextmanager
def fresh(dal_server: Postgres) -> Iterator[str]:
    url = dal_server.create()
    yield url
    dal_server.drop(url)


@contextmanager
def cut(dsn: str, n: int, *, delivered: bool) -> Iterator[Relay]:
    """The wire, which breaks off for good at the n-th message, or at the answer to it."""
    with relayed(dsn) as relay:
        loss: Loss = "answer" if delivered else "request"
        relay.lose(loss, lambda _: len(relay.messages) == n, outage=True)
        yield relay


def finished(dsn: str, folder: Path) -> Catalogue:
    """The schema after another run, without any repair by hand."""
    migrate.apply(dsn, folders=[Folder(folder)], wait=20)
    assert [
        state.id for state in migrate.status(dsn, folders=[Folder(folder)]) if state.applied_at
    ] == ALL
    assert rows(dsn, "SELECT count(*), count(DISTINCT migration_id) FROM _yoyo_log") == [
        (len(ALL), len(ALL))
    ]
    return catalogue(dsn)


def undone(dsn: str, folder: Path) -> Catalogue:
    migrate.rollback(dsn, steps=None, folders=[Folder(folder)], wait=20)
    assert not any(state.applied_at for state in migrate.status(dsn, folders=[Folder(folder)]))
    return catalogue(dsn)


# Every 23rd message by day, so that each kind of moment is met; all of them take longer.
STRIDES = pytest.mark.parametrize("stride", [23, pytest.param(1, marks=pytest.mark.slow)])
DELIVERED = pytest.mark.parametrize("delivered", [False, True], ids=["lost", "delivered"])


@STRIDES
@DELIVERED
def test_the_wire_is_cut_while_applying(
    dal_server: Postgres, longer: Path, stride: int, delivered: bool
) -> None:
    with fresh(dal_server) as dsn:
        full = finished(dsn, longer)
    n = 0
    for n in itertools.count(1, stride):
        with fresh(dal_server) as dsn, cut(dsn, n, delivered=delivered) as wire:
            try:
                migrate.apply(wire.url, folders=[Folder(longer)])
            except DalError:
                assert wire.lost
            assert finished(dsn, longer) == full
            if not wire.lost:
                break
    assert n > 60  # there were that many moments


@STRIDES
@DELIVERED
def test_the_wire_is_cut_while_rolling_back(
    dal_server: Postgres, longer: Path, stride: int, delivered: bool
) -> None:
    n = 0
    for n in itertools.count(1, stride):
        with fresh(dal_server) as dsn, cut(dsn, n, delivered=delivered) as wire:
            finished(dsn, longer)
            try:
                migrate.rollback(wire.url, steps=None, folders=[Folder(longer)])
            except DalError:
                assert wire.lost
            assert undone(dsn, longer) == []
            if not wire.lost:
                break
    assert n > 40


RUN = """
import sys
from pathlib import Path
from dal import migrate
print("ready", flush=True)
sys.stdin.readline()
report = lambda line: print(line, flush=True)
migrate.apply(sys.argv[1], folders=[migrate.Folder(Path(sys.argv[2]))], report=report)
"""


@pytest.mark.parametrize("times", [6, pytest.param(80, marks=pytest.mark.slow)])
def test_the_process_is_killed(dal_server: Postgres, longer: Path, times: int) -> None:
    moments = random.Random(5)
    lines: list[str] = []
    with fresh(dal_server) as dsn:
        started = time.perf_counter()
        migrate.apply(dsn, folders=[Folder(longer)], report=lines.append)
        line_takes = (time.perf_counter() - started) / len(lines)
        full = finished(dsn, longer)
    left = set()
    for number in range(times):
        with fresh(dal_server) as dsn:
            process = subprocess.Popen(
                [sys.executable, "-c", RUN, dsn, str(longer)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert process.stdout
            process.stdout.readline()
            assert process.stdin
            process.stdin.write(b"\n")
            process.stdin.close()
            # By what it reports, because a busy machine has no other clock that it keeps to.
            for _ in range(len(lines) * number // times):
                process.stdout.readline()
            Event().wait(line_takes * moments.random())
            process.send_signal(SIGTERM if number % 2 else SIGKILL)
            process.wait()
            process.stdout.close()
            left.add(
                sum(
                    state.applied_at is not None
                    for state in migrate.status(dsn, folders=[Folder(longer)])
                )
            )
            assert finished(dsn, longer) == full
    assert len(left) > 1  # they were killed at different moments


def test_killed_while_it_builds_an_index(migrated: str, longer: Path) -> None:
    migrate.apply(migrated, folders=[Folder(longer)], to=NEXT)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, migrated, str(longer)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(migrated) as service:
            service.execute("UPDATE tasks SET title = title")  # what the build waits for
            assert process.stdin
            process.stdin.write(b"\n")
            process.stdin.close()
            query = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('idx_due')"
            while rows(migrated, query) != [(False,)]:
                assert process.poll() is None
            process.kill()
            process.wait()
            reported: list[str] = []
            waiting = pool.submit(
                migrate.apply, migrated, folders=[Folder(longer)], wait=30, report=reported.append
            )
            while not reported:  # the server is still at the dead run's work, and holds its lock
                assert not waiting.done()
            assert "another run is at work" in reported[0]
        waiting.result(timeout=30)
    assert rows(migrated, query) == [(True,)]
    assert all(state.applied_at for state in migrate.status(migrated, folders=[Folder(longer)]))


def test_a_lock_left_by_yoyo_itself_is_no_obstacle(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE yoyo_lock (locked int, ctime timestamp, pid int)")
        connection.execute("INSERT INTO yoyo_lock VALUES (1, now(), 1)")
    assert [step.id for step in migrate.apply(empty_database, wait=0)] == IDS
