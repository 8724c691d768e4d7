"""The commands over dal.maintenance, as a person and as a CronJob runs them."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
import typer
from typer.testing import CliRunner, Result

from dal.cli.commands import app
from dal.cli.options import duration
from dal.maintenance import batches

QUIET = """
    INSERT INTO users (id) VALUES ('ada');
    INSERT INTO tasks (user_id, title) VALUES ('ada', 'Milk');
    INSERT INTO conversations (user_id, updated_at)
    SELECT 'ada', now() - interval '100 days' FROM generate_series(1, 5)
"""
STATUS = "SELECT count(*) FROM conversations WHERE status = 'archived'"


@pytest.fixture(autouse=True)
def connection(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A connection to a database with five conversations, untouched for 100 days."""
    monkeypatch.setenv("DATABASE_URL", url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(QUIET.encode())
        yield connection


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(
    ("text", "days"), [("90d", 90), ("24h", 1), ("1440m", 1), ("86400s", 1), ("2w", 14)]
)
def test_durations(text: str, days: int) -> None:
    assert duration(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "1 d", "1y", "9999999d", "٣d"])
def test_no_durations(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="90d"):
        duration(text)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("stats", "--archived-for", "90"), "--archived-for': write it like 90d"),
        (("archive", "--older-than", "999999w"), "--older-than': 100 years are the most"),
        (("purge", "--archived-for", "1d", "--batch", "50001"), "--batch'"),
        (("archive", "--pause", "inf"), "--pause'"),
    ],
)
def test_a_wrong_option_is_named(arguments: tuple[str, ...], complaint: str) -> None:
    wrong = command(*arguments)
    assert wrong.exit_code == 2
    assert complaint in re.sub(r"\W*\n\W*", " ", wrong.stderr)


def test_archive_and_purge() -> None:
    dry = command("archive", "--dry-run")
    assert (dry.exit_code, dry.stdout) == (0, "would archive 5 conversations\n")
    early = command("archive", "--batch", "2", "--max-seconds", "0")
    assert (early.exit_code, early.stdout) == (17, "archived 2 conversations; more remains\n")
    rest = command("archive", "--batch", "2")
    assert (rest.exit_code, rest.stdout) == (0, "archived 3 conversations\n")
    assert rest.stderr == "archived 2 conversations\narchived 3 conversations\n"
    kept = command("purge", "--archived-for", "1d")
    assert (kept.exit_code, kept.stdout) == (0, "deleted 0 conversations\n")
    gone = command("purge", "--archived-for", "0d")
    assert (gone.exit_code, gone.stdout) == (0, "deleted 5 conversations\n")
    assert command("purge").exit_code == 2  # for how long is never guessed


def test_erase_user() -> None:
    asked = command("erase-user", "ada")
    assert asked.exit_code == 2
    assert "5 conversations with their messages, and 1 tasks; the row in users" in asked.stdout
    assert "Standard input" in asked.stderr
    done = command("erase-user", "ada", "--yes")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (
        0,
        "deleted 5 conversations, 1 tasks",
    )
    absent = command("erase-user", "nobody", "--yes")
    assert absent.exit_code == 1
    assert absent.stderr.strip().endswith("There is no such user; nothing is to be deleted.")


def test_orphans(connection: psycopg.Connection) -> None:
    none = command("orphans")
    assert (none.exit_code, none.stdout) == (0, "there are no orphans\n")
    late = """
        INSERT INTO messages (user_id, conversation_id, role, content)
        SELECT user_id, id, 'user', 'Buy milk' FROM conversations LIMIT 1
        RETURNING conversation_id
    """
    row = connection.execute(late.encode()).fetchone()
    assert row
    some = command("orphans")
    assert some.exit_code == 16
    assert "1  a conversation whose times are before its newest message" in some.stdout
    assert f"clock {row[0]}" in some.stdout
    mended = command("orphans", "--delete")
    assert (mended.exit_code, mended.stdout) == (0, "mended 1\nthere are no orphans\n")
    assert command("orphans").exit_code == 0


def test_orphans_that_a_deletion_leaves_behind(connection: psycopg.Connection) -> None:
    connection.execute("""
        ALTER TABLE messages DROP CONSTRAINT messages_user_id_conversation_id_fkey;
        ALTER TABLE conversations DROP CONSTRAINT conversations_user_id_fkey;
        INSERT INTO messages (user_id, conversation_id, role, content)
        SELECT user_id, id, 'user', 'Buy milk' FROM conversations;
        DELETE FROM tasks;
        DELETE FROM users
    """)
    assert command("orphans").exit_code == 16
    mended = command("orphans", "--delete")
    # Five conversations late by their messages and without a user, then these messages.
    assert (mended.exit_code, mended.stdout.splitlines()[-1]) == (0, "there are no orphans")
    assert connection.execute("SELECT count(*) FROM messages").fetchone() == (0,)


def test_orphans_that_a_trigger_keeps(connection: psycopg.Connection) -> None:
    """A repair that a trigger undoes is not repeated for ever."""
    connection.execute("""
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN NEW.updated_at := OLD.updated_at; RETURN NEW; END';
        CREATE TRIGGER keep BEFORE UPDATE ON conversations
        FOR EACH ROW EXECUTE FUNCTION keep();
        INSERT INTO messages (user_id, conversation_id, role, content)
        SELECT user_id, id, 'user', 'Buy milk' FROM conversations
    """)
    with ThreadPoolExecutor(1) as pool:
        mended = pool.submit(command, "orphans", "--delete")
        try:
            result = mended.result(timeout=20)
        finally:  # which would end a run that goes on
            connection.execute("DROP TRIGGER keep ON conversations")
    assert result.exit_code == 16
    assert "5  a conversation whose times are before" in result.stdout


def test_a_lock_in_the_way(connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    soon = batches._LOCK_TIMEOUT.replace("10s", "50ms")
    monkeypatch.setattr(batches, "_LOCK_TIMEOUT", soon)
    with connection.transaction():
        connection.execute("LOCK TABLE conversations")
        assert command("archive").exit_code == 12


def test_sigterm_ends_between_two_batches(connection: psycopg.Connection) -> None:
    slowly = [sys.executable, "-m", "dal", "archive", "--batch", "1", "--pause", "0.5"]
    with subprocess.Popen(slowly, stdout=subprocess.PIPE, text=True) as job:
        deadline = time.monotonic() + 30
        while connection.execute(STATUS).fetchone() == (0,):
            assert time.monotonic() < deadline
        name = "SELECT FROM pg_stat_activity WHERE application_name = 'dal archive'"
        assert connection.execute(name).fetchall()
        job.send_signal(signal.SIGTERM)
        out, _ = job.communicate(timeout=30)
    assert job.returncode == 17
    assert re.fullmatch(r"archived [123] conversations; more remains\n", out)


def test_sigterm_ends_a_pause(connection: psycopg.Connection) -> None:
    slowly = [sys.executable, "-m", "dal", "archive", "--batch", "1", "--pause", "30"]
    with subprocess.Popen(slowly, stdout=subprocess.PIPE, text=True) as job:
        deadline = time.monotonic() + 30
        while connection.execute(STATUS).fetchone() == (0,):
            assert time.monotonic() < deadline
        time.sleep(0.5)  # the batch is over by now, and the pause has begun
        job.send_signal(signal.SIGTERM)
        out, _ = job.communicate()
    assert (job.returncode, out) == (17, "archived 1 conversations; more remains\n")


@pytest.mark.parametrize("name", ["archive", "purge --archived-for 0d", "erase-user ada --yes"])
def test_a_services_command_timeout_is_no_limit(
    connection: psycopg.Connection, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAL_COMMAND_TIMEOUT", "0.2")
    delay = """
        CREATE FUNCTION delay() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';
        CREATE TRIGGER delay AFTER UPDATE OR DELETE ON conversations
            FOR EACH STATEMENT EXECUTE FUNCTION delay()
    """
    connection.execute(delay.encode())
    done = command(*name.split())
    assert done.exit_code == 0, done.stderr


def test_nor_for_orphans(connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAL_COMMAND_TIMEOUT", "0.2")
    slow = """
        ALTER TABLE tasks RENAME TO slow_tasks;
        CREATE VIEW tasks AS SELECT slow_tasks.* FROM slow_tasks, pg_sleep(0.5)
    """
    connection.execute(slow.encode())
    assert command("orphans").exit_code == 0
