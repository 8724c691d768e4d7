"""Runs beside each other, and beside a service that must not notice them."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

import dal
from dal import conversations, messages, migrate, tasks, users
from dal.migrate import Folder, session
from dal.migrate.run import Step
from dal.testing.server import Postgres, database_name
from tests.migrations.database import AFTER, IDS, NEXT, Add, catalogue, lock_held, rows, run
from tests.roles import role

DUE = "ALTER TABLE tasks ADD COLUMN due timestamptz"
NO_DUE = "ALTER TABLE tasks DROP COLUMN due"
APART = "-- transactional: false\n"
INDEX = APART + "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_due ON tasks (user_id)"
NO_INDEX = "DROP INDEX CONCURRENTLY IF EXISTS idx_due"
BUILDING = """
    SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE NOT granted AND application_name = 'dal migrate' AND query LIKE '%INDEX CONCURRENTLY%'
"""
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_due'::regclass"
WHEN = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


class Report:
    """The lines that a run reports, and a way to wait for one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()

    def __call__(self, line: str) -> None:
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def wait_for(self, pattern: str) -> str:
        """The first line that fits."""
        with self._news:
            line = self._news.wait_for(self._first(re.compile(pattern)), timeout=30)
        assert line, f"{pattern!r} is not in {self.lines}"
        return str(line)

    def _first(self, pattern: re.Pattern[str]) -> Callable[[], str | None]:
        return lambda: next((line for line in self.lines if pattern.search(line)), None)


@contextmanager
def open_transaction(dsn: str, statement: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, application_name="service") as connection:
        connection.execute(statement.encode())
        yield connection


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert session.LOCK_TIMEOUT_SECONDS <= 1 <= session.PAUSE_SECONDS  # as README says
    monkeypatch.setattr(session, "LOCK_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(session, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(session.WaitBudget.pause, "__defaults__", (0.1,))


def test_eight_runs_at_once(empty_database: str) -> None:
    start = threading.Barrier(8)

    def run() -> list[Step]:
        start.wait()
        return migrate.apply(empty_database)

    with ThreadPoolExecutor(8) as pool:
        done = [future.result() for future in [pool.submit(run) for _ in range(8)]]
    assert sorted(len(steps) for steps in done) == [0] * 7 + [len(IDS)]
    assert rows(empty_database, "SELECT migration_id FROM _yoyo_log ORDER BY 1") == [
        (name,) for name in IDS
    ]


@pytest.mark.parametrize("runner", ["apply", "rollback", "baseline"])
def test_a_run_says_for_whom_it_waits(migrated: str, dal_server: Postgres, runner: str) -> None:
    migrate.rollback(migrated)
    report = Report()
    runs: dict[str, Callable[[float], object]] = {
        "apply": lambda wait: migrate.apply(migrated, wait=wait, report=report),
        "rollback": lambda wait: migrate.rollback(migrated, wait=wait, report=report),
        "baseline": lambda wait: migrate.baseline(migrated, IDS[-2], wait=wait, report=report),
    }
    run = runs[runner]
    with ThreadPoolExecutor(1) as pool, lock_held(dal_server.url), lock_held(migrated, key=1):
        with lock_held(migrated) as pid:
            other = rf'another run is at work \(pid {pid}, application "dal migrate", {WHEN}\)'
            with pytest.raises(migrate.LockedError, match=rf"^{other}. Waited 0 s; run it again"):
                run(0)
            assert report.lines == []
            waiting = pool.submit(run, 60)
            report.wait_for(f"^{other}; waiting$")
            assert not waiting.done()
        waiting.result(timeout=30)


def test_another_roles_run_is_named_without_pg_monitor(migrated: str) -> None:
    """Only since when it runs is hidden."""
    with (
        role(migrated, "GRANT CREATE ON SCHEMA public TO {role}") as owner,
        lock_held(migrated) as pid,
    ):
        other = rf'another run is at work \(pid {pid}, application "dal migrate"\)'
        with pytest.raises(migrate.LockedError, match=f"^{other}. Waited 0 s"):
            migrate.apply(owner, wait=0)


def test_the_budget_says_a_reason_once_and_keeps_to_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    report = Report()
    budget = session.WaitBudget(5, report)
    for reason in ("one", "one", "two"):
        budget.pause(reason, 60)
    assert report.lines == ["one; waiting", "two; waiting"]
    assert all(4 < seconds <= 5 for seconds in slept)


def test_a_migration_steps_aside_for_a_long_transaction(
    migrated: str, folder: Path, add: Add
) -> None:
    add(f"{NEXT}.due", DUE, NO_DUE)
    report = Report()
    before = catalogue(migrated)
    with ThreadPoolExecutor(1) as pool:
        with open_transaction(migrated, "SELECT FROM tasks") as long:
            waiting = pool.submit(migrate.apply, migrated, folders=[Folder(folder)], report=report)
            with psycopg.connect(migrated, autocommit=True) as service:
                for _ in range(3):
                    wait_until(service, "SELECT FROM pg_locks WHERE NOT granted")
                    # It queues behind the migration, which queues behind the long transaction: it
                    # gets through because the migration gives up.
                    service.execute("UPDATE tasks SET title = title")
            pid = long.info.backend_pid
            report.wait_for(
                rf"^{NEXT}.due.sql: a transaction holds a lock that it needs \(pid {pid},"
                rf' application "service", {WHEN}.*\); waiting$'
            )
            assert catalogue(migrated) == before
        assert [step.id for step in waiting.result(timeout=30)] == [f"{NEXT}.due"]
    assert report.lines[-1].startswith(f"applied {NEXT}.due in ")


def test_who_only_reads_or_uses_another_table_is_not_named(
    migrated: str, folder: Path, add: Add
) -> None:
    add(f"{NEXT}.index", "CREATE INDEX idx_due ON tasks (user_id)", "DROP INDEX idx_due")
    with (
        open_transaction(migrated, "UPDATE users SET id = id"),
        open_transaction(migrated, "SELECT FROM tasks"),
        open_transaction(migrated, "UPDATE tasks SET title = title") as writer,
        open_transaction(migrated, "UPDATE conversations SET status = status"),
    ):
        with pytest.raises(migrate.LockedError) as failed:
            migrate.apply(migrated, folders=[Folder(folder)], wait=2)
        named = re.findall(r"pid (\d+),", str(failed.value))
        assert named == [str(writer.info.backend_pid)]


@pytest.mark.parametrize("first", [True, False], ids=["rehearsal", "migration"])
def test_the_budget_ends(empty_database: str, folder: Path, add: Add, first: bool) -> None:
    if first:
        file = "the rehearsal"
        held = "CREATE TABLE users (id text PRIMARY KEY)"
        with psycopg.connect(empty_database) as connection:
            connection.execute(held)
    else:
        file = f"{NEXT}.due.sql"
        migrate.apply(empty_database)
        add(f"{NEXT}.due", DUE, NO_DUE)
    run(empty_database, "CREATE SCHEMA elsewhere", "CREATE TABLE elsewhere.users ()")
    before = catalogue(empty_database)
    lock = f"LOCK TABLE {'users' if first else 'tasks'} IN ROW EXCLUSIVE MODE"
    with open_transaction(empty_database, "TABLE elsewhere.users"), ExitStack() as stack:
        others = [stack.enter_context(open_transaction(empty_database, lock)) for _ in range(4)]
        with pytest.raises(migrate.LockedError) as failed:
            migrate.apply(empty_database, folders=[Folder(folder)], wait=0.5)
        oldest = (
            f'pid {connection.info.backend_pid}, application "service", {WHEN}'
            for connection in others[:3]
        )
        sentence = (
            rf"^{file}: a transaction .* \({'; '.join(oldest)}\)\. Waited 0.5 s; run it again"
        )
        assert re.search(sentence, str(failed.value))
    assert catalogue(empty_database) == before
    migrate.apply(empty_database, folders=[Folder(folder)])


@pytest.mark.parametrize("repair", [False, True], ids=["build", "repair"])
def test_a_concurrent_build_waits_as_long_as_it_may(
    migrated: str, folder: Path, add: Add, repair: bool
) -> None:
    add(f"{NEXT}.index", INDEX, NO_INDEX)
    report = Report()
    work = "the repair of the INVALID index public.idx_due" if repair else f"{NEXT}.index.sql"
    if repair:
        migrate.apply(migrated, folders=[Folder(folder)])
        run(migrated, f"UPDATE pg_index SET indisvalid = false {VALID.partition('pg_index')[2]}")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(migrated, autocommit=True) as service:
        with open_transaction(migrated, "UPDATE tasks SET title = title") as other:
            pid = other.info.backend_pid
            waiting = pool.submit(migrate.apply, migrated, folders=[Folder(folder)], report=report)
            # It has not given up after the limit of those that the service queues behind.
            wait_until(service, f"{BUILDING} AND waitstart < clock_timestamp() - interval '0.5 s'")
            service.execute("UPDATE tasks SET title = title")  # nobody queues behind it
            report.wait_for(rf'{work}: a transaction .* \(pid {pid}, application "service", {WHEN}')
            assert not waiting.done()
        assert [step.id for step in waiting.result(timeout=30)] == [f"{NEXT}.index"][repair:]
    # It may wait for others as well, such as an autovacuum.
    waited = [line for line in report.lines if line.endswith("waiting")]
    assert sum(f"(pid {pid}, " in line for line in waited) == 1
    assert rows(migrated, VALID) == [(True,)]


def test_a_rollback_that_waits_to_drop_an_index_says_so(
    migrated: str, folder: Path, add: Add
) -> None:
    add(f"{NEXT}.index", INDEX, NO_INDEX)
    migrate.apply(migrated, folders=[Folder(folder)])
    report = Report()
    with ThreadPoolExecutor(1) as pool:
        with open_transaction(migrated, "SELECT FROM tasks") as other:
            waiting = pool.submit(
                migrate.rollback, migrated, folders=[Folder(folder)], report=report
            )
            pid = other.info.backend_pid
            report.wait_for(
                rf"^{NEXT}.index.rollback.sql: a transaction holds a lock that it needs"
                rf' \(pid {pid}, application "service", {WHEN}\); waiting$'
            )
            assert not waiting.done()
        waiting.result(timeout=30)
    assert [line.partition(" in ")[0] for line in report.lines[1:]] == [f"rolled back {NEXT}.index"]


def test_a_deadlock_leaves_no_invalid_index(migrated: str, folder: Path, add: Add) -> None:
    add(f"{NEXT}.index", INDEX, NO_INDEX)
    report = Report()
    with ThreadPoolExecutor(1) as pool:
        with open_transaction(migrated, "UPDATE tasks SET title = title") as service:
            waiting = pool.submit(migrate.apply, migrated, folders=[Folder(folder)], report=report)
            with psycopg.connect(migrated, autocommit=True) as watch:
                wait_until(watch, BUILDING)
            # Each now waits for the other, and the build is the one that looks for it.
            service.execute("SET deadlock_timeout = '60s'")
            service.execute("LOCK TABLE tasks IN SHARE UPDATE EXCLUSIVE MODE")
        waiting.result(timeout=30)
    lines = [re.sub(r"( in \d+ ms|( \(.*\))?; waiting)$", "", line) for line in report.lines]
    assert list(dict.fromkeys(lines)) == [
        f"{NEXT}.index.sql: a transaction holds a lock that it needs",
        "repaired the INVALID index public.idx_due",
        f"applied {NEXT}.index",
    ]
    assert rows(migrated, VALID) == [(True,)]


def test_a_waiting_run_is_not_in_the_way_of_a_build(migrated: str, folder: Path, add: Add) -> None:
    add(f"{NEXT}.index", INDEX, NO_INDEX)
    first, second = Report(), Report()
    with ThreadPoolExecutor(2) as pool:
        with open_transaction(migrated, "UPDATE tasks SET title = title"):
            building = pool.submit(migrate.apply, migrated, folders=[Folder(folder)], report=first)
            with psycopg.connect(migrated, autocommit=True) as watch:
                wait_until(watch, BUILDING)
                waiting = pool.submit(
                    migrate.apply, migrated, folders=[Folder(folder)], report=second
                )
                second.wait_for("another run is at work")
                row = watch.execute("SELECT now()").fetchone()
                asked_again = (
                    f"application_name = 'dal migrate' AND query_start > '{row and row[0]}'"
                )
                wait_until(watch, f"SELECT FROM pg_stat_activity WHERE {asked_again}")
        assert [step.id for step in building.result(timeout=30)] == [f"{NEXT}.index"]
        assert waiting.result(timeout=30) == []
    assert first.lines[-1].startswith(f"applied {NEXT}.index in ")
    assert rows(migrated, VALID) == [(True,)]


def test_time_limits_of_a_role_do_not_hold_for_runs(migrated: str, folder: Path, add: Add) -> None:
    limits = (
        "FROM pg_settings WHERE name ~ '^(statement|transaction|idle(_in.*)?_session)_timeout$'"
    )
    names = [name for (name,) in rows(migrated, f"SELECT name {limits}")]
    assert len(names) == (4 if "transaction_timeout" in names else 3)  # PostgreSQL 17 has it
    database = database_name(migrated)
    run(migrated, *(f"ALTER DATABASE {database} SET {name} = '10min'" for name in names))
    assert rows(migrated, f"SELECT {limits} AND setting = '0'") == []
    add(f"{NEXT}.limits", f"CREATE TABLE limits AS SELECT name {limits} AND setting <> '0'")
    migrate.apply(migrated, folders=[Folder(folder)])
    assert rows(migrated, "TABLE limits") == []


def wait_until(connection: psycopg.Connection, query: str) -> None:
    """Look until there is a row."""
    for _ in range(3000):
        if connection.execute(query.encode()).fetchone() is not None:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"no row of: {query}")


async def test_a_service_does_not_notice(migrated: str, folder: Path, add: Add) -> None:
    add(f"{NEXT}.due", DUE, NO_DUE)
    add(f"{AFTER}.index", INDEX, NO_INDEX)
    stop = asyncio.Event()
    calls = 0

    async def load(db: dal.Database, user_id: str) -> None:
        nonlocal calls
        await users.ensure(db, user_id=user_id)
        while not stop.is_set():
            chat = await conversations.create(db, user_id=user_id)
            await messages.create_and_history(
                db, user_id=user_id, conversation_id=chat.id, role="user", content="Hello"
            )
            task = await tasks.create(db, user_id=user_id, title="Buy milk")
            await tasks.complete(db, user_id=user_id, task_id=task.id)
            page = await tasks.list_for_user(db, user_id=user_id, limit=5)
            assert page[0].title == "Buy milk"
            calls += 5

    async with dal.connect(migrated, min_size=1, max_size=8) as db, asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(load(db, f"user {number}"))
        done = []
        for _ in range(2):
            done += await asyncio.to_thread(migrate.apply, migrated, folders=[Folder(folder)])
            done += await asyncio.to_thread(
                migrate.rollback, migrated, folders=[Folder(folder)], steps=2
            )
        stop.set()
    assert [step.id for step in done] == [
        f"{NEXT}.due",
        f"{AFTER}.index",
        f"{AFTER}.index",
        f"{NEXT}.due",
    ] * 2
    assert calls > 100
