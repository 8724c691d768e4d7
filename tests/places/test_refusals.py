"""Every command on a database that does not let it in, or not to its tables."""

import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from typer.testing import CliRunner

import dal.__main__
from dal import errors, ping
from dal.cli.commands import app
from dal.testing.server import Postgres, database_name
from tests.commands import CALLS, WITH_OWN_SERVER
from tests.roles import role

LINE = json.dumps({"user_id": "ada", "messages": [{"role": "user", "content": "Hi"}]})
COMMANDS = CALLS | WITH_OWN_SERVER
TOUCHING_TABLES = COMMANDS.keys() - {"ping", "stats"}


def refusal(command: str, url: str, chats: Path) -> tuple[int, str]:
    """The exit status, and the one line that is said."""
    chats.write_text(LINE)
    words = [word.format(url=url, chats=chats) for word in COMMANDS[command].split()]
    result = CliRunner().invoke(app, words, env={"DATABASE_URL": url, "NO_COLOR": "1"})
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    [line] = result.stderr.splitlines()
    return result.exit_code, line


@pytest.mark.parametrize("command", sorted(TOUCHING_TABLES))
def test_a_role_that_may_do_nothing(url: str, tmp_path: Path, command: str) -> None:
    with role(url) as nobody:
        status, line = refusal(command, nobody, tmp_path / "chats")
    assert (status, line[:7]) == (9, "error: ")


def test_a_role_that_may_not_make_the_demos_database(url: str, tmp_path: Path) -> None:
    with role(url) as nobody:
        _, line = refusal("demo", nobody, tmp_path / "chats")
    assert "may not create databases" in line
    assert "grants.sql" not in line


@pytest.fixture(scope="module")
def closed(dal_server: Postgres) -> Iterator[str]:
    url = dal_server.create()
    name = database_name(url)
    with psycopg.connect(dal_server.url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
    yield url
    dal_server.drop(url)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_that_takes_no_connections(closed: str, tmp_path: Path, command: str) -> None:
    status, line = refusal(command, closed, tmp_path / "chats")
    host = urlsplit(closed).hostname or ""
    assert status == 4
    assert host in line
    assert "the database takes no connections; its owner can ALTER DATABASE" in line


def test_a_time_limit_is_no_lost_server(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = f"{url}{'&' if '?' in url else '?'}statement_timeout=50"
    monkeypatch.setattr(ping, "_ABOUT", "SELECT pg_sleep(60)")
    with pytest.raises(errors.QueryTimeoutError, match="look for a lock or a time limit"):
        ping.ping(limited)


def test_findings_in_a_folder_that_is_gone(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE tasks ALTER title DROP NOT NULL")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = CliRunner().invoke(app, ["check"], env={"DATABASE_URL": url})
    assert result.exit_code == 16, result.stderr
    assert "title may be NULL" in result.stderr


def test_an_option_that_is_not_utf8() -> None:
    result = CliRunner().invoke(app, ["explain", "users.get", "--user-id", "\udcff"])
    assert result.exit_code == 2
    assert "is not UTF-8" in result.stderr


def test_an_interruption_while_modules_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    module = types.ModuleType("dal.cli")
    module.run = interrupted  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dal.cli", module)
    with pytest.raises(SystemExit) as ended:
        dal.__main__.main()
    assert ended.value.code == 130
