"""What keeps dal from working in a database, or changes its rows: refused, or named."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dal import migrate
from dal.cli.commands import app
from dal.errors import SchemaMismatchError
from dal.migrate import Folder
from tests.migrations.database import IDS, LAST, NEXT, Add, catalogue, rows, run, search_path

ANY_CASE = """
    CREATE COLLATION any_case (
        provider = icu, locale = 'und-u-ks-level2', deterministic = false)
"""
ID = "ALTER TABLE users ALTER id TYPE"
NOT_TEXT = "users.id has type character(12): ids that differ as text may compare equal"
HELP = 'ALTER TABLE users ALTER id TYPE varchar(255) COLLATE "default"'


@pytest.fixture(autouse=True)
def no_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def outcome(dsn: str, *command: str) -> tuple[int, str]:
    """The exit status of a command, and all that it prints."""
    result = CliRunner().invoke(app, command, env={"DATABASE_URL": dsn, "NO_COLOR": "1"})
    return result.exit_code, re.sub(r"\x1b\[[\d;]*m", "", result.output)


def notes(dsn: str) -> list[str]:
    return [note.partition(": ")[0] for state in migrate.status(dsn) for note in state.notes]


@pytest.mark.parametrize("type_", ["char(12)", "name", "short"])
def test_an_earlier_id_that_is_not_compared_as_text(empty_database: str, type_: str) -> None:
    run(
        empty_database,
        "CREATE DOMAIN short AS char(12)",
        f"CREATE TABLE users (id {type_} PRIMARY KEY)",
    )
    before = catalogue(empty_database)
    for command in ("migrate", "migrate --dry-run", "status"):
        status, printed = outcome(empty_database, *command.split())
        assert status == 13
        assert "users.id has type " in printed
        assert f"ids that differ as text may compare equal: {HELP}\n" in printed
    assert catalogue(empty_database) == before
    assert rows(empty_database, "SELECT FROM pg_class WHERE relname LIKE '%yoyo%'") == []
    run(empty_database, HELP)
    assert [step.id for step in migrate.apply(empty_database)] == IDS


@pytest.mark.parametrize("type_", ["text COLLATE any_case", "citext"])
def test_an_earlier_id_in_any_case(database_with_icu: str, type_: str) -> None:
    # Debian has both: a collation that takes unlike texts for equal, and a type that does.
    run(database_with_icu, ANY_CASE, "CREATE EXTENSION citext")
    run(database_with_icu, f"CREATE TABLE users (id {type_} PRIMARY KEY)")
    with pytest.raises(SchemaMismatchError, match=f"users.id has type {type_}: ids that differ"):
        migrate.apply(database_with_icu)
    run(database_with_icu, HELP)
    migrate.apply(database_with_icu)


def test_texts_that_can_be_compared_are_no_obstacle(empty_database: str) -> None:
    run(
        empty_database,
        "CREATE DOMAIN login AS varchar(40)",
        'CREATE TABLE users (id login COLLATE "C" PRIMARY KEY)',
    )
    migrate.apply(empty_database)
    assert [(state.problem, state.notes) for state in migrate.status(empty_database)] == [
        (None, ())
    ] * len(IDS)


def test_where_it_is_migrated_already_nothing_stops(migrated: str, folder: Path, add: Add) -> None:
    run(migrated, f"{ID} char(12)", "ALTER TABLE tasks ALTER user_id TYPE char(12)")
    status, printed = outcome(migrated, "status")
    assert status == 13
    assert f"{NOT_TEXT}: {HELP}" in printed
    status, printed = outcome(migrated, "check")
    assert status == 16
    assert f"sql/obstacles.sql:1:1: obstacle: {NOT_TEXT}\n  help: {HELP}\n" in printed
    assert outcome(migrated, "migrate")[0] == 0
    lines: list[str] = []
    add(f"{NEXT}.due", "ALTER TABLE tasks ADD due date")
    migrate.apply(migrated, folders=[Folder(folder)], report=lines.append)
    assert lines[0] == f"note: {NOT_TEXT}: {HELP}"
    assert lines[1].startswith("note: tasks.user_id has type character(12): ids")
    assert lines[2].startswith(f"applied {NEXT}.due")


TOUCH = """
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'
"""


@pytest.mark.parametrize(
    ("changes", "named", "findings"),
    [
        (
            [
                "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON conversations FOR EACH ROW"
                " EXECUTE FUNCTION touch()",
                'CREATE TRIGGER "T t" BEFORE DELETE ON messages FOR EACH ROW'
                " EXECUTE FUNCTION touch()",
                'ALTER TABLE messages ENABLE ALWAYS TRIGGER "T t"',
                "ALTER TABLE tasks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            ],
            [
                "the trigger t on conversations (BEFORE INSERT OR UPDATE) may change rows, or leave"
                " them out",
                'the trigger "T t" on messages (BEFORE DELETE) may change rows, or leave them out',
                "row-level security on tasks is forced, so that its owner misses what policies"
                " hide",
            ],
            0,
        ),
        (
            [
                "CREATE RULE r AS ON UPDATE TO conversations DO INSTEAD NOTHING",
                "CREATE RULE r AS ON INSERT TO users DO ALSO NOTIFY users",
            ],
            [
                "the rule r on conversations (ON UPDATE DO INSTEAD) may change what is written, or"
                " leave it out",
                "the rule r on users (ON INSERT DO ALSO) may change what is written, or leave it"
                " out",
            ],
            16,  # statements that do more than a rule can follow
        ),
    ],
    ids=["triggers", "rules"],
)
def test_what_changes_rows_is_named_and_stops_nothing(
    migrated: str, changes: list[str], named: list[str], findings: int
) -> None:
    run(migrated, TOUCH, *changes)
    for command in ("status", "migrate", "migrate --dry-run", f"baseline {LAST}", "check"):
        status, printed = outcome(migrated, *command.split())
        assert [f"note: {note}: see what " in printed for note in named] == [True] * len(named)
        assert status == (findings if command == "check" else 0)


def test_mark_names_all_that_is_beside_and_refuses_what_is_missing(migrated: str) -> None:
    run(
        migrated,
        TOUCH,
        "CREATE TRIGGER late AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION touch()",
        "ALTER TABLE messages ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON messages USING (user_id = current_user)",
    )
    assert notes(migrated) == []
    lines: list[str] = []
    assert migrate.baseline(migrated, LAST, report=lines.append) == []
    beside = "note: beside the migrations there is messages"
    assert [line[: len(beside) + 23].rstrip() for line in lines] == [
        f"{beside} policy own FOR * USING",
        f"{beside} row security enabled",
        f"{beside} trigger CREATE TRIGGER",
    ]


def test_what_does_not_change_rows_is_not_named(migrated: str) -> None:
    run(
        migrated,
        TOUCH,
        "CREATE TRIGGER late AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION touch()",
        "CREATE TRIGGER once BEFORE INSERT ON messages EXECUTE FUNCTION touch()",
        "CREATE TRIGGER off BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION touch()",
        "ALTER TABLE messages DISABLE TRIGGER off",
        "ALTER TABLE messages FORCE ROW LEVEL SECURITY",
        "CREATE TABLE orders (id int)",
        "CREATE RULE r AS ON INSERT TO orders DO INSTEAD NOTHING",
    )
    assert notes(migrated) == []


def test_foreign_keys_that_do_not_act_are_named(migrated: str) -> None:
    run(migrated, "ALTER TABLE conversations DISABLE TRIGGER ALL")
    assert notes(migrated) == [
        "the foreign key " + rest
        for rest in (
            "conversations_user_id_fkey of conversations does not act",
            "messages_user_id_conversation_id_fkey of messages does not act",
        )
    ]
    run(migrated, "ALTER TABLE conversations ENABLE TRIGGER ALL")
    assert notes(migrated) == []


def test_tables_behind_another_schema(migrated: str) -> None:
    run(migrated, "CREATE SCHEMA mine")
    search_path(migrated, "mine", "public")
    assert notes(migrated) == [
        "conversations is in the schema public, but migrations go into mine, with which the"
        " search_path begins"
    ]


def test_tables_that_the_search_path_leaves_out(migrated: str) -> None:
    run(migrated, 'ALTER SCHEMA public RENAME TO "My-App"')
    status, printed = outcome(migrated, "status")
    assert status == 14
    assert 'the schema "My-App" has tables of dal, and is not on the search_path' in printed
    search_path(migrated, "My-App")
    assert outcome(migrated, "status")[0] == 0
    assert notes(migrated) == []
    # A second installation beside it is none of its business.
    run(migrated, "CREATE SCHEMA other")
    search_path(migrated, "other")
    migrate.apply(migrated)
    assert notes(migrated) == []
