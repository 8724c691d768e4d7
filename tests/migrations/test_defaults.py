"""The defaults of a server, a database or a role matter to no command."""

import re
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from dal import migrate
from dal.cli.commands import app
from dal.migrate import Folder
from dal.testing.server import Postgres, database_name
from tests.migrations.database import IDS, LAST, NEXT, Add, catalogue, run

DEFAULTS = {
    "DateStyle": "German",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kathmandu",
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "client_min_messages": "error",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "extra_float_digits": "-15",
    "quote_all_identifiers": "on",
    "standard_conforming_strings": "off",
}


@pytest.fixture
def unusual(dal_server: Postgres) -> str:
    dsn = dal_server.create()
    settle(dal_server, dsn, *(f"SET {name} = '{value}'" for name, value in DEFAULTS.items()))
    return dsn


def settle(dal_server: Postgres, dsn: str, *changes: str) -> None:
    """Change the defaults of a database, from another one, which has none."""
    run(dal_server.url, *(f"ALTER DATABASE {database_name(dsn)} {change}" for change in changes))


def test_every_command(
    unusual: str,
    migrated: str,
    dal_server: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)

    def output(status: int, *command: str) -> str:
        result = CliRunner().invoke(app, command, env={"DATABASE_URL": unusual})
        assert result.exit_code == status, (command, result.output, result.exception)
        return result.output

    assert output(0, "migrate").count("applied ") == len(IDS)
    assert len(
        re.findall(r"applied 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\n", output(0, "status"))
    ) == len(IDS)
    assert output(0, "check").startswith("proved ")
    assert f"schema      {LAST}\n" in output(0, "ping")
    assert "recorded as applied" in output(0, "baseline", LAST)
    with psycopg.connect(unusual) as service:
        service.execute("SET TRANSACTION READ WRITE")
        service.execute("LOCK TABLE users, tasks, conversations, messages")
        held = output(12, "rollback", "--yes", "--wait", "0")
        assert re.search(r"since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", held)
    settle(dal_server, unusual, "RESET ALL", "SET client_min_messages = error")
    assert catalogue(unusual) == catalogue(migrated)
    run(unusual, "COMMENT ON TABLE users IS NULL")
    assert "users stays" in output(0, "rollback", "--yes", "--all")


def test_what_a_migration_writes(
    unusual: str, dal_server: Postgres, folder: Path, add: Add
) -> None:
    add(
        f"{NEXT}.when",
        "CREATE TABLE seen (at timestamptz DEFAULT '2026-02-03 00:00', word text DEFAULT 'a\\b')",
    )
    migrate.apply(unusual, folders=[Folder(folder)])
    settle(dal_server, unusual, "RESET ALL", "SET timezone = 'UTC'")
    seen = [part[1:] for part in catalogue(unusual) if part[0] == "public.seen"]
    assert [text for kind, text in seen if kind == "column"] == [
        "at timestamp with time zone DEFAULT '2026-02-03 00:00:00+00'::timestamp with time zone",
        "word text DEFAULT 'a\\b'::text",
    ]
