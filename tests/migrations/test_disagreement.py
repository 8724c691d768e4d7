"""Where the files and a database disagree, and schemas that were made without dal."""

from pathlib import Path

import psycopg
import pytest

from dal import migrate
from dal.errors import InvalidInputError, SchemaMismatchError
from dal.migrate import Folder, session
from dal.paths import MIGRATIONS
from dal.testing.server import Postgres, database_name
from tests.migrations.database import IDS, LAST, NEXT, Add, catalogue, rows, run, search_path

REFUSED = pytest.mark.parametrize(
    "runner",
    [
        lambda dsn, folder: migrate.apply(dsn, folders=[Folder(folder)]),
        lambda dsn, folder: migrate.apply(dsn, folders=[Folder(folder)], to="0001"),
        lambda dsn, folder: migrate.apply(dsn, folders=[Folder(folder)], dry_run=True),
        lambda dsn, folder: migrate.rollback(dsn, folders=[Folder(folder)], steps=None),
        lambda dsn, folder: migrate.baseline(dsn, LAST, folders=[Folder(folder)]),
    ],
    ids=["apply", "to the first", "dry run", "rollback", "baseline"],
)


def refused(runner: object, dsn: str, folder: Path) -> str:
    """The message of a run that refuses, and changes nothing."""
    before = catalogue(dsn), rows(dsn, "TABLE _yoyo_log")
    with pytest.raises(SchemaMismatchError) as failed:
        runner(dsn, folder)  # type: ignore[operator]
    assert (catalogue(dsn), rows(dsn, "TABLE _yoyo_log")) == before
    return str(failed.value)


def problem(dsn: str, folder: Path) -> dict[str, str]:
    states = migrate.status(dsn, folders=[Folder(folder)])
    return {state.id: state.problem for state in states if state.problem}


@REFUSED
def test_an_edited_file(migrated: str, folder: Path, runner: object) -> None:
    (folder / "SHA256SUMS").unlink()  # edited there too
    file = folder / "0003.conversations.sql"
    file.write_text(file.read_text().replace("varchar(20)", "varchar(30)"))

    sentence = "edited after it was applied: restore the file, and add a migration"
    assert f"0003.conversations: {sentence}" in refused(runner, migrated, folder)
    assert problem(migrated, folder) == {"0003.conversations": sentence}


@REFUSED
def test_a_removed_file(migrated: str, folder: Path, runner: object) -> None:
    (folder / "SHA256SUMS").unlink()
    for file in folder.glob(f"{LAST}.*"):
        file.unlink()

    sentence = "applied, but its file is not here: deploy the version that has it"
    if "baseline" not in str(runner):
        with pytest.raises((SchemaMismatchError, InvalidInputError)):
            runner(migrated, folder)  # type: ignore[operator]
    assert problem(migrated, folder) == {LAST: sentence}


@REFUSED
def test_a_database_ahead_of_the_files(
    migrated: str, folder: Path, add: Add, runner: object
) -> None:
    add(f"{NEXT}.due", "ALTER TABLE tasks ADD due date", "ALTER TABLE tasks DROP due")
    migrate.apply(migrated, folders=[Folder(folder)])

    assert f"{NEXT}.due: applied, but its file is not here" in refused(runner, migrated, MIGRATIONS)


@REFUSED
def test_an_overtaken_number(migrated: str, runner: object) -> None:
    run(migrated, "DELETE FROM _yoyo_migration WHERE migration_id = '0002.tasks'")

    sentence = f"not applied, though {LAST} is: give it the next number"
    assert f"0002.tasks: {sentence}" in refused(runner, migrated, MIGRATIONS)


def test_all_disagreements_are_told(migrated: str, folder: Path, add: Add) -> None:
    add(f"{NEXT}.due", "ALTER TABLE tasks ADD due date")
    migrate.apply(migrated, folders=[Folder(folder)])
    run(migrated, "DELETE FROM _yoyo_migration WHERE migration_id = '0002.tasks'")
    (folder / f"{NEXT}.due.sql").write_text("SELECT 1;\n")
    assert list(problem(migrated, folder)) == ["0002.tasks", f"{NEXT}.due"]
    with pytest.raises(SchemaMismatchError, match=rf"0002.tasks: .*\n  {NEXT}.due: "):
        migrate.apply(migrated, folders=[Folder(folder)])


def test_applied_again_after_a_rollback_in_other_words(
    migrated: str, folder: Path, add: Add
) -> None:
    add(f"{NEXT}.due", "ALTER TABLE tasks ADD due date", "ALTER TABLE tasks DROP due")
    migrate.apply(migrated, folders=[Folder(folder)])
    migrate.rollback(migrated, folders=[Folder(folder)])
    add(f"{NEXT}.due", "ALTER TABLE tasks ADD due timestamptz", "ALTER TABLE tasks DROP due")
    migrate.apply(migrated, folders=[Folder(folder)])
    assert problem(migrated, folder) == {}


def test_what_yoyo_alone_applied_is_taken_as_it_is(migrated: str) -> None:
    run(migrated, "DELETE FROM _yoyo_log")
    assert problem(migrated, MIGRATIONS) == {}
    assert migrate.apply(migrated) == []


# Adopting a schema


LATIN1 = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"


def by_hand(dsn: str, *migrations: str) -> None:
    run(dsn, *((MIGRATIONS / f"{name}.sql").read_text() for name in migrations))


def test_a_schema_made_by_hand_is_adopted(empty_database: str) -> None:
    by_hand(empty_database, *IDS)
    before = catalogue(empty_database)

    assert migrate.baseline(empty_database, "0002") == IDS[:2]
    assert migrate.baseline(empty_database, LAST) == IDS[2:]
    assert migrate.baseline(empty_database, LAST) == []
    assert catalogue(empty_database) == before
    assert migrate.apply(empty_database) == []
    assert [bool(state.applied_at) for state in migrate.status(empty_database)] == [True] * len(IDS)
    assert [done.id for done in migrate.rollback(empty_database, steps=None)] == IDS[::-1]


def test_users_elsewhere_on_the_path_are_used(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(empty_database, "CREATE TABLE users (id text PRIMARY KEY, mail text)", "CREATE SCHEMA app")
    search_path(empty_database, "app", "public")
    by_hand(empty_database, *IDS)
    monkeypatch.setattr(session, "LOCK_TIMEOUT_SECONDS", 0.1)
    with psycopg.connect(empty_database) as service:
        service.execute("UPDATE users SET id = id")  # it refers to them while it compares
        with pytest.raises(migrate.LockedError, match=r"^the comparison: a transaction holds"):
            migrate.baseline(empty_database, LAST, wait=0)
    assert migrate.baseline(empty_database, LAST) == IDS


def test_all_are_marked_or_none(empty_database: str) -> None:
    def broken_off(line: str) -> None:
        if line == "recorded 0003.conversations as applied":
            raise KeyboardInterrupt

    by_hand(empty_database, *IDS)
    with pytest.raises(KeyboardInterrupt):
        migrate.baseline(empty_database, LAST, report=broken_off)
    assert not any(state.applied_at for state in migrate.status(empty_database))


def test_a_database_in_another_encoding(dal_server: Postgres, folder: Path, add: Add) -> None:
    add(f"{NEXT}.word", "COMMENT ON COLUMN users.id IS 'é'")
    dsn = dal_server.create()
    name = database_name(dsn)
    run(dal_server.url, f"DROP DATABASE {name}", f"CREATE DATABASE {name} {LATIN1}")
    migrate.apply(dsn, folders=[Folder(folder)])
    run(dsn, "DELETE FROM _yoyo_migration")
    assert migrate.baseline(dsn, NEXT, folders=[Folder(folder)]) == [*IDS, f"{NEXT}.word"]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("DROP TABLE messages", "missing: messages"),
        ("DROP INDEX idx_messages_created_at", "missing: messages index idx_messages_created_at"),
        ("ALTER TABLE tasks ALTER title TYPE text", "missing: tasks column title character vary"),
        ("ALTER TABLE tasks ALTER title DROP NOT NULL", "unknown: tasks column title character"),
        ("ALTER TABLE tasks ADD due date", "unknown: tasks column due date"),
        ("ALTER TABLE tasks DROP CONSTRAINT chk_task_title", "missing: tasks constraint chk_task"),
        ("COMMENT ON TABLE messages IS NULL; DROP INDEX idx_messages_created_at", "missing: mes"),
        (
            "ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey",
            "missing: tasks constraint tasks_user_id_fkey FOREIGN KEY",
        ),
    ],
)
def test_another_schema_is_not_adopted(empty_database: str, change: str, difference: str) -> None:
    by_hand(empty_database, *IDS)
    run(empty_database, change)
    before = catalogue(empty_database)
    with pytest.raises(SchemaMismatchError, match=rf"the schema is not what {LAST} makes"):
        migrate.baseline(empty_database, LAST)
    with pytest.raises(SchemaMismatchError) as refusal:
        migrate.baseline(empty_database, LAST)
    assert f"\n  {difference}" in str(refusal.value)
    assert catalogue(empty_database) == before
    assert not any(state.applied_at for state in migrate.status(empty_database))
