"""Each command's help lists the exit statuses that it can end with; tests/conftest.py compares."""

import ast
import inspect
import json
import sys
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from dal.cli import statuses
from dal.cli.app import _exit_status
from dal.cli.commands import app
from dal.cli.statuses import ANYWHERE, DECLARED, ExitStatus
from dal.errors import SchemaMismatchError, TransactionConflictError
from tests.commands import ALONE, CALLS, WITH_OWN_SERVER

EVERY = CALLS | WITH_OWN_SERVER | dict.fromkeys(sorted(ALONE), "")
CALLS_ALONE = {"sql": "sql", "new": "new more", "lint-migrations": "lint-migrations"}
CALLS_ALONE |= {"catalog": "catalog --check", "grants": "grants --role service"}
LINE = json.dumps({"user_id": "ada", "messages": [{"role": "user", "content": "Hi"}]})
TABLES = "users, tasks, conversations, messages, _yoyo_migration, _yoyo_log"
# What opens a connection and tells why it can't is asked of all commands in tests/places/.
READ_ONLY = ["import", "explain", "archive", "purge", "erase-user", "orphans"]


def run(call: str, url: str, folder: Path, setting: str = "") -> Result:
    """Run a command with a setting in its address."""
    (folder / "chats").write_text(LINE)
    words = call.format(url=url, chats=folder / "chats").split()
    address = f"{url}{'&' if '?' in url else '?'}{setting}" if setting else url
    return CliRunner().invoke(app, words, env={"DATABASE_URL": address})


@pytest.mark.parametrize("command", EVERY)
def test_a_status_that_a_command_names_is_listed(command: str) -> None:
    """`ExitStatus.STALE` in its module, beside the declaration."""
    [callback] = [info.callback for info in app.registered_commands if info.name == command]
    assert callback
    source = inspect.getsource(sys.modules[callback.__module__])
    named = {
        ExitStatus[node.attr]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "ExitStatus"
    }
    assert named <= DECLARED[command] | {*ANYWHERE}


@pytest.mark.parametrize("command", CALLS | WITH_OWN_SERVER)
def test_on_a_database_without_tables(empty_database: str, tmp_path: Path, command: str) -> None:
    call = (CALLS | WITH_OWN_SERVER)[command]
    result = run(call, empty_database, tmp_path)
    assert isinstance(result.exception, SystemExit | None), repr(result.exception)


@pytest.mark.parametrize("command", [*CALLS, "check", "erase-user --yes", "orphans --delete"])
def test_where_somebody_holds_the_tables(url: str, tmp_path: Path, command: str) -> None:
    call = {
        "migrate": "migrate --wait 0",
        "rollback": "rollback --yes --wait 0",
        "baseline": "baseline 0004 --wait 0",
        "distribute": "distribute --wait 0",
        "check": "check",
        "erase-user --yes": "erase-user grace --yes",
        "orphans --delete": "orphans --delete",
    }.get(command) or CALLS[command]
    with psycopg.connect(url) as holder:
        holder.execute(f"LOCK TABLE {TABLES}".encode())
        result = run(call, url, tmp_path, "lock_timeout=200ms")
    assert isinstance(result.exception, SystemExit | None), repr(result.exception)
    assert result.exit_code == (0 if command == "stats" else ExitStatus.LOCKED), result.stderr


@pytest.mark.parametrize("command", READ_ONLY)
def test_where_nothing_may_be_written(url: str, tmp_path: Path, command: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO users (id) VALUES ('grace')")
        connection.execute(
            "INSERT INTO conversations (user_id, status, updated_at, archived_at) VALUES"
            " ('grace', 'active', '2020-01-01', NULL),"
            " ('grace', 'archived', '2020-01-01', '2020-01-01')"
        )
        connection.execute("ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey")
        connection.execute("INSERT INTO tasks (user_id, title) VALUES ('gone', 'Milk')")
    call = {
        "explain": "explain users.ensure --user-id ada",
        "erase-user": "erase-user grace --yes",
        "orphans": "orphans --delete",
    }.get(command) or CALLS[command]
    result = run(call, url, tmp_path, "default_transaction_read_only=on")
    assert result.exit_code == ExitStatus.READ_ONLY, result.stderr


@pytest.mark.parametrize("command", sorted({*EVERY} - {"demo", "erase-user"}))
def test_in_a_project_whose_settings_are_wrong(
    url: str, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.dal]\nqueries = "no list"\n')
    monkeypatch.chdir(tmp_path)
    run((CALLS | WITH_OWN_SERVER | CALLS_ALONE)[command], url, tmp_path)


def test_freezing_without_squawk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    (tmp_path / "0001.labels.sql").write_text("-- Labels.\n\nCREATE TABLE labels (id int);\n")
    (tmp_path / "0001.labels.rollback.sql").write_text("-- None.\n\nDROP TABLE labels;\n")
    result = run(f"lint-migrations --freeze --folder {tmp_path}", "", tmp_path)
    assert result.exit_code == ExitStatus.ADDRESS
    assert "squawk is not installed" in result.stderr


def test_what_reads_tables_may_not_find_them() -> None:
    for error in (SchemaMismatchError(), TransactionConflictError()):
        assert _exit_status(error) in statuses.READING
