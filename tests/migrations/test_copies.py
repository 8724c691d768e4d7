"""Copies of a database, however they came: a command works, or says first what to do."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import psycopg
import pytest
from typer.testing import CliRunner

from dal import migrate
from dal.cli.commands import app
from dal.embedded.server import _installation
from dal.errors import SchemaMismatchError
from dal.migrate import Folder
from dal.testing.server import Postgres, database_name
from tests.migrations.database import (
    IDS,
    LAST,
    NEXT,
    Add,
    catalogue,
    rows,
    run,
    search_path,
    tables,
)
from tests.roles import role

Copy: TypeAlias = Callable[..., str]
NO_COMMENTS = "--no-comments"
APPLIED = [True] * len(IDS)


@pytest.fixture
def copied(migrated: str, dal_server: Postgres) -> Copy:
    """Dumps the migrated database with these options of pg_dump, and restores it elsewhere."""
    programs = _installation(18) / "bin"

    def copied(*options: str) -> str:
        dump = subprocess.run(
            [programs / "pg_dump", *options, migrated], capture_output=True, check=True
        )
        copy = dal_server.create()
        # Older servers don't know each setting that the dump begins with.
        subprocess.run(
            [programs / "psql", "-qX", "--set=ON_ERROR_STOP=0", "-f", "-", copy],
            input=dump.stdout,
            capture_output=True,
            check=True,
        )
        return copy

    return copied


def applied(dsn: str) -> list[bool]:
    return [bool(state.applied_at) for state in migrate.status(dsn)]


def up_to_date(dsn: str) -> list[str]:
    """Migrate, after a baseline where the refusal asks for one; the lines of a further run."""
    try:
        migrate.apply(dsn)
    except SchemaMismatchError as refusal:
        assert "`dal mark` compares it and marks it" in str(refusal)  # noqa: PT017
        migrate.baseline(dsn, LAST)
        assert migrate.apply(dsn) == []
    lines: list[str] = []
    assert migrate.apply(dsn, report=lines.append) == []
    assert applied(dsn) == APPLIED
    return lines


@pytest.mark.parametrize("ledger", [(), ("-s",), ("-T", "_yoyo*"), ("-T", "_yoyo_log")], ids=str)
@pytest.mark.parametrize("comments", [(), (NO_COMMENTS,)], ids=str)
def test_a_dump(
    copied: Copy, migrated: str, ledger: tuple[str, ...], comments: tuple[str, ...]
) -> None:
    copy = copied(*ledger, *comments)
    lines = up_to_date(copy)
    if comments and lines:  # the ledger came along, so that nothing had to be marked so far
        assert [line.partition(": ")[2][:45] for line in lines] == [
            "conversations lacks the comment `dal 0003.con",
            "messages lacks the comment `dal 0004.messages",
        ]
        before = catalogue(copy)
        with pytest.raises(SchemaMismatchError, match=r"messages does not bear the mark .*mark`"):
            migrate.rollback(copy, steps=None)
        assert (catalogue(copy), applied(copy)) == (before, APPLIED)
        assert migrate.baseline(copy, LAST) == []
        assert up_to_date(copy) == []

    reported: list[str] = []
    migrate.rollback(copy, steps=None, report=reported.append)
    assert applied(copy) == [False] * len(IDS)
    left = {"public.tasks", "public.users"} if comments else set()
    assert tables(copy) == left
    assert sum(line.startswith("rolled back ") for line in reported) == len(IDS) - len(left)
    stays = [line.partition(": ")[2] for line in reported if " stays: " in line]
    assert stays == [
        f"{name.partition('.')[2]} stays: it does not bear the mark of {name}"
        for name in IDS[1::-1]
        if comments
    ]
    migrate.apply(copy)
    assert tables(copy) == tables(migrated)


@pytest.mark.parametrize("comments", [(), (NO_COMMENTS,)], ids=str)
def test_mark_takes_a_dumped_schema_for_equal(copied: Copy, comments: tuple[str, ...]) -> None:
    copy = copied("-s", *comments)
    changed = rows(copy, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'")
    assert any("('active'::character varying)::text" in text for (text,) in changed)
    run(copy, "COMMENT ON TABLE conversations IS 'the talk of the town'")
    migrate.baseline(copy, LAST)
    assert applied(copy) == APPLIED
    [(comment,)] = rows(copy, "SELECT obj_description('conversations'::regclass, 'pg_class')")
    assert comment == "dal 0003.conversations: the talk of the town"


def test_mark_knows_a_dumped_index_and_default(
    copied: Copy, migrated: str, folder: Path, add: Add
) -> None:
    add(
        f"{NEXT}.due",
        "ALTER TABLE tasks ADD due text DEFAULT ('now'::varchar IN ('now', 'later'))::text;\n"
        "CREATE INDEX idx_due ON tasks (user_id) WHERE title IN ('a', 'b')",
    )
    migrate.apply(migrated, folders=[Folder(folder)])
    assert migrate.baseline(copied("-s"), NEXT, folders=[Folder(folder)]) == [*IDS, f"{NEXT}.due"]


def test_a_dump_restored_by_another_role(copied: Copy, migrated: str) -> None:
    copy = copied("--no-owner", "--no-privileges")
    with role(
        copy,
        "GRANT CREATE ON SCHEMA public TO {role}",
        *(f"ALTER TABLE {name} OWNER TO {{role}}" for name in sorted(tables(copy))),
    ) as owner:
        result = CliRunner().invoke(app, ["status"], env={"DATABASE_URL": owner})
        assert result.exit_code == 9  # the ledger's tables are another's still
        new_owner = urlsplit(owner).username
        ledger = rows(copy, "SELECT tablename FROM pg_tables WHERE tablename ~ 'yoyo'")
        run(copy, *(f"ALTER TABLE {name} OWNER TO {new_owner}" for (name,) in ledger))
        assert applied(owner) == APPLIED
        migrate.rollback(owner, steps=None)
        migrate.apply(owner)
        assert tables(copy) == tables(migrated)


@pytest.mark.parametrize("schema", ["My-App", 'a"b'])
def test_a_schema_whose_name_needs_quotes(empty_database: str, schema: str) -> None:
    quoted = schema.replace('"', '""')
    run(empty_database, f'CREATE SCHEMA "{quoted}"')
    search_path(empty_database, schema)
    migrate.apply(empty_database)
    result = CliRunner().invoke(app, ["check"], env={"DATABASE_URL": empty_database})
    assert (result.exit_code, result.stdout[:6]) == (0, "proved"), result.output
    run(empty_database, "DELETE FROM _yoyo_migration", "DROP INDEX idx_tasks_user_id")
    with pytest.raises(SchemaMismatchError, match=r"missing: tasks index idx_tasks_user_id"):
        migrate.baseline(empty_database, LAST)
    run(
        empty_database,
        "CREATE INDEX idx_tasks_user_id ON tasks (user_id, created_at DESC, id DESC)",
    )
    assert migrate.baseline(empty_database, LAST) == IDS
    with psycopg.connect(empty_database) as service:
        service.execute("SELECT FROM messages")
        with pytest.raises(migrate.LockedError, match=f"pid {service.info.backend_pid}"):
            migrate.rollback(empty_database, steps=None, wait=0)
    migrate.rollback(empty_database, steps=None)
    assert tables(empty_database) == set()


def test_a_template(migrated: str, dal_server: Postgres) -> None:
    run(migrated, "ALTER SCHEMA public RENAME TO chat")
    search_path(migrated, "chat")
    copy = dal_server.create(database_name(migrated))
    # What was set for the database does not come along.
    notes = [note for state in migrate.status(copy) for note in state.notes]
    assert notes[0].startswith("the schema chat has tables of dal, and is not on the search_path")
    search_path(copy, "chat")
    assert applied(copy) == APPLIED
    assert migrate.apply(copy) == []
    migrate.rollback(copy, steps=None)
    assert tables(copy) == set()


def test_strings_that_do_not_conform(migrated: str, dal_server: Postgres) -> None:
    other = dal_server.create()
    name = database_name(other)
    run(other, f"ALTER DATABASE {name} SET standard_conforming_strings = off")
    migrate.apply(other)
    run(other, f"ALTER DATABASE {name} RESET standard_conforming_strings")
    assert catalogue(other) == catalogue(migrated)
