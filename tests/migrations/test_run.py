"""The runs: what they apply, in which order, what they say and where they stop."""

import os
import re
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from dal import errors, migrate, paths
from dal.migrate import Folder
from tests.migrations.database import IDS, NEXT, Add, catalogue, rows, run, search_path, tables


def test_status_and_dry_run_write_nothing(empty_database: str) -> None:
    assert [step.id for step in migrate.apply(empty_database, dry_run=True)] == IDS
    assert migrate.status(empty_database) == [migrate.State(migration, None) for migration in IDS]
    assert rows(empty_database, "SELECT relname FROM pg_class WHERE relname LIKE '%yoyo%'") == []
    run(empty_database, "CREATE TABLE _yoyo_log ()")  # cut off while yoyo made its tables
    assert not any(state.applied_at for state in migrate.status(empty_database))


NO_LOG = "DROP TABLE _yoyo_log"


def test_a_migration_whose_history_entry_fails_is_undone(
    migrated: str, folder: Path, add: Add
) -> None:
    before = catalogue(migrated), migrate.status(migrated)
    add(f"{NEXT}.due", f"ALTER TABLE tasks ADD due date;\n{NO_LOG}")
    with pytest.raises(errors.SchemaMismatchError, match="_yoyo_log"):
        migrate.apply(migrated, folders=[Folder(folder)])
    assert (catalogue(migrated), migrate.status(migrated)) == before

    add(f"{NEXT}.due", "ALTER TABLE tasks ADD due date", f"ALTER TABLE tasks DROP due;\n{NO_LOG}")
    migrate.apply(migrated, folders=[Folder(folder)])
    before = catalogue(migrated), migrate.status(migrated, folders=[Folder(folder)])
    with pytest.raises(errors.SchemaMismatchError, match="_yoyo_log"):
        migrate.rollback(migrated, folders=[Folder(folder)])
    assert (catalogue(migrated), migrate.status(migrated, folders=[Folder(folder)])) == before


@pytest.fixture
def local_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A client nine hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("local_time")
def test_status_tells_when_in_utc(empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET timezone = 'Asia/Tokyo'").format(name))
    started = datetime.now(UTC)
    migrate.apply(empty_database)
    finished = datetime.now(UTC)
    migrate.rollback(empty_database)

    *applied, last = migrate.status(empty_database)

    assert [state.id for state in [*applied, last]] == IDS
    assert last.applied_at is None
    for state in applied:
        assert state.applied_at is not None
        assert state.applied_at.tzinfo is UTC
        assert started <= state.applied_at <= finished


def test_migrations_before_a_failing_one_stay(empty_database: str, folder: Path, add: Add) -> None:
    migrate.apply(empty_database, steps=2)
    add(f"{NEXT}.bad", "CREATE TABLE bad (a int);\nSELECT 1 / 0")

    with pytest.raises(
        errors.DalError, match=rf"^{NEXT}.bad.sql, statement 2: division by zero$"
    ) as failed:
        migrate.apply(empty_database, folders=[Folder(folder)])

    assert failed.value.sqlstate == "22012"
    assert [
        s.id for s in migrate.status(empty_database, folders=[Folder(folder)]) if s.applied_at
    ] == IDS
    assert "public.bad" not in tables(empty_database)


def test_a_failing_statement_is_counted_in_its_own_file(
    empty_database: str, folder: Path, add: Add
) -> None:
    add(f"{NEXT}.bad", "SELECT 1;\nSELECT 2;\nSELECT 1 / 0", "SELECT 1 / 0")
    with pytest.raises(errors.DalError, match=rf"^{NEXT}.bad.sql, statement 3: division by zero$"):
        migrate.apply(empty_database, folders=[Folder(folder)])  # in the rehearsal
    add(f"{NEXT}.bad", "SELECT 1;\nSELECT 2;\nSELECT 3", "SELECT 1 / 0")
    migrate.apply(empty_database, folders=[Folder(folder)])
    with pytest.raises(errors.DalError, match=rf"^{NEXT}.bad.rollback.sql, statement 1: division"):
        migrate.rollback(empty_database, folders=[Folder(folder)])


def test_a_lost_connection_is_told_with_the_statement(
    migrated: str, folder: Path, add: Add
) -> None:
    add(f"{NEXT}.end", "SELECT pg_terminate_backend(pg_backend_pid())")
    sentence = rf"^{NEXT}.end.sql, statement 1: .*; it can be run again$"
    with pytest.raises(errors.ConnectionLostError, match=sentence):
        migrate.apply(migrated, folders=[Folder(folder)])


def test_a_machine_without_names_can_migrate(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless(*_: object) -> str:
        raise OSError

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("socket.getfqdn", nameless)
    migrate.apply(empty_database)
    migrate.rollback(empty_database)
    log = "SELECT DISTINCT username, operation FROM _yoyo_log ORDER BY 2"
    user = str(os.getuid())
    assert rows(empty_database, log) == [(user, "apply"), (user, "rollback")]


def test_rows_are_not_printed(
    migrated: str, folder: Path, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add(f"{NEXT}.look", "SELECT 'ada lovelace'", "SELECT 'ada lovelace'")
    migrate.apply(migrated, folders=[Folder(folder)])
    migrate.rollback(migrated, folders=[Folder(folder)])
    assert capsys.readouterr().out == ""


def test_failure_does_not_quote_rows(migrated: str, folder: Path, add: Add) -> None:
    add(f"{NEXT}.bad", "INSERT INTO users (id) VALUES ('ada lovelace'), ('ada lovelace')")
    with pytest.raises(errors.DalError, match=rf"{NEXT}.bad.sql, .*users_pkey") as failed:
        migrate.apply(migrated, folders=[Folder(folder)])
    assert "lovelace" not in "".join(traceback.format_exception(failed.value))


def test_migration_without_rollback_is_not_rolled_back(migrated: str, folder: Path) -> None:
    before = catalogue(migrated)
    (folder / "0003.conversations.rollback.sql").unlink()

    with pytest.raises(errors.ConfigurationError, match=r"0003.conversations.rollback.sql"):
        migrate.rollback(migrated, steps=2, folders=[Folder(folder)])
    assert catalogue(migrated) == before
    assert all(state.applied_at for state in migrate.status(migrated))


@pytest.mark.parametrize("steps", [0, -1])
def test_steps_below_one_are_refused(migrated: str, steps: int) -> None:
    with pytest.raises(errors.InvalidInputError, match="at least 1"):
        migrate.rollback(migrated, steps=steps)
    assert all(state.applied_at for state in migrate.status(migrated))


def test_missing_right_to_create_is_told_at_once(empty_database: str) -> None:
    search_path(empty_database, "nowhere")

    with pytest.raises(errors.PermissionDeniedError, match="may not create tables"):
        migrate.apply(empty_database)
    assert [state.applied_at for state in migrate.status(empty_database)] == [None] * len(IDS)


RUNNERS = pytest.mark.parametrize("runner", [migrate.apply, migrate.rollback, migrate.status])


@RUNNERS
@pytest.mark.parametrize("made", [True, False])
def test_missing_or_empty_folder_is_an_error(
    empty_database: str, tmp_path: Path, runner: Callable[..., object], made: bool
) -> None:
    if made:
        (tmp_path / "migrations").mkdir()
    with pytest.raises(errors.ConfigurationError, match="migrations/ is missing or empty"):
        runner(empty_database, folders=[Folder(tmp_path / "migrations")])


@RUNNERS
@pytest.mark.parametrize(
    ("dsn", "error"),
    [
        ("", errors.ConfigurationError),
        ("host=127.0.0.1 port=1 password=hunter2", errors.ConfigurationError),
        ("mysql://ada:hunter2@127.0.0.1:1/chat", errors.ConfigurationError),
        ("postgresql://ada:hunter2@127.0.0.1:1/chat?sslmod=1", errors.ConfigurationError),
        ("postgresql://ada:%zhunter2@127.0.0.1:1/chat", errors.ConfigurationError),
        ("postgresql://ada:an@hunter2@127.0.0.1:1/chat", errors.ConfigurationError),
        ("postgresql://ada:1/hunter2@127.0.0.1:1/chat", errors.ConfigurationError),
        ("postgresql://ada:a#hunter2@127.0.0.1:1/chat", errors.ConfigurationError),
        ("postgresql://ada:hunter2@127.0.0.1:1/chat", errors.DatabaseUnavailableError),
        ("postgresql+asyncpg://127.0.0.1:1/chat?password=hunter2", errors.DatabaseUnavailableError),
    ],
)
def test_bad_urls_are_told_without_the_password(
    dsn: str, error: type[errors.DalError], runner: Callable[..., object]
) -> None:
    with pytest.raises(error) as failed:
        runner(dsn)
    assert "hunter2" not in "".join(traceback.format_exception(failed.value))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql+asyncpg", "postgresql+psycopg"])
def test_url_of_another_driver_works(empty_database: str, scheme: str) -> None:
    dsn = re.sub(r"^\w+(?=://)", scheme, empty_database)

    assert len(migrate.apply(dsn)) == len(IDS)
    assert len(migrate.status(dsn)) == len(IDS)
    assert len(migrate.rollback(dsn, steps=None)) == len(IDS)


# Where they lie


def test_folders_of_a_wheel_lie_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "dal")
    for home in (tmp_path, tmp_path / "dal"):  # a stranger's folder next to the package
        (home / "sql").mkdir(parents=True)

    assert paths._folder("sql") == tmp_path / "dal" / "sql"
    with pytest.raises(errors.ConfigurationError, match="without its migrations/ folder"):
        paths._folder("migrations")
