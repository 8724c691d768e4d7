"""What a rollback undoes, what was there before, and what is refused because it is in the way."""

import pytest

from dal import errors, migrate
from tests.migrations.database import IDS, Catalogue, catalogue, rows, run, search_path, tables


def test_applying_twice_changes_nothing(migrated: str) -> None:
    before = catalogue(migrated), rows(migrated, "TABLE _yoyo_log")

    assert migrate.apply(migrated) == []
    assert (catalogue(migrated), rows(migrated, "TABLE _yoyo_log")) == before


def test_run_cut_short_before_its_note_can_be_repeated(migrated: str) -> None:
    before = catalogue(migrated)
    run(migrated, "DELETE FROM _yoyo_migration")

    assert [done.id for done in migrate.apply(migrated)] == IDS
    assert catalogue(migrated) == before


def test_up_down_and_up_again(empty_database: str) -> None:
    empty = catalogue(empty_database)
    assert empty == []
    migrate.apply(empty_database)
    full = catalogue(empty_database)

    assert [undone.id for undone in migrate.rollback(empty_database, steps=None)] == IDS[::-1]
    assert catalogue(empty_database) == empty
    assert [done.id for done in migrate.apply(empty_database)] == IDS
    assert catalogue(empty_database) == full


def test_each_step_down_and_up(empty_database: str) -> None:
    def step_up(migration: str) -> Catalogue:
        [applied] = migrate.apply(empty_database, steps=1)
        assert applied.id == migration
        return catalogue(empty_database)

    snapshots = [catalogue(empty_database)]
    for migration in IDS:
        snapshots.append(step_up(migration))
        assert snapshots[-1] != snapshots[-2] or migration == "0007.autovacuum"

    for before, migration in reversed(list(zip(snapshots, IDS, strict=False))):
        [undone] = migrate.rollback(empty_database)
        assert undone.id == migration
        assert catalogue(empty_database) == before

    assert [step_up(migration) for migration in IDS] == snapshots[1:]


def test_autovacuum_comes_sooner_to_what_grows(empty_database: str) -> None:
    query = "SELECT relname FROM pg_class WHERE reloptions::text ~ 'autovacuum' ORDER BY 1"
    migrate.apply(empty_database, to="0007")
    assert rows(empty_database, query) == [("conversations",), ("messages",)]
    migrate.rollback(empty_database, to="0006")
    assert rows(empty_database, query) == []


def test_rollback_goes_by_the_ownership_comment(migrated: str) -> None:
    run(
        migrated,
        "COMMENT ON TABLE messages IS 'dal 0004.messages: in other words'",
        "COMMENT ON TABLE tasks IS 'in other words'",
    )
    migrate.rollback(migrated, steps=None, to="0001")

    assert tables(migrated) == {"public.tasks", "public.users"}


def test_rollback_leaves_what_others_have_come_to_refer_to(migrated: str) -> None:
    run(migrated, "CREATE TABLE orders (user_id varchar(255) REFERENCES users)")
    before = catalogue(migrated)

    with pytest.raises(
        errors.DalError,
        match=r"^0001.users.rollback.sql, statement 1: cannot drop",
    ):
        migrate.rollback(migrated, steps=None)
    assert catalogue(migrated) == before  # nor are those dropped that could be


EARLIER_USERS = """
    CREATE TABLE public.users (
        id text PRIMARY KEY, email text NOT NULL UNIQUE, created_at timestamp DEFAULT now());
    COMMENT ON TABLE public.users IS 'accounts';
    COMMENT ON COLUMN public.users.email IS 'where to write to';
    INSERT INTO public.users (id, email) VALUES ('ada', 'ada@example.org'), ('bob', 'b@example.org')
"""
EARLIER_TASKS = """
    CREATE TABLE public.tasks (id serial PRIMARY KEY, user_id text, title text);
    CREATE INDEX idx_tasks_user ON public.tasks (user_id);
    INSERT INTO public.tasks (user_id, title) VALUES ('ada', 'Buy milk'), (NULL, '')
"""


@pytest.mark.parametrize("schemas", [["public"], ["app", "public"]], ids=" ".join)
@pytest.mark.parametrize(
    "earlier",
    [
        {"users": EARLIER_USERS},
        {"tasks": EARLIER_TASKS},
        {"users": EARLIER_USERS, "tasks": EARLIER_TASKS},
    ],
    ids=" ".join,
)
def test_earlier_tables_stay_as_they_were(
    empty_database: str, earlier: dict[str, str], schemas: list[str]
) -> None:
    run(empty_database, "CREATE SCHEMA app", *earlier.values())
    search_path(empty_database, *schemas)
    before = catalogue(empty_database)
    contents = {table: rows(empty_database, f"TABLE public.{table}") for table in earlier}

    migrate.apply(empty_database)

    assert tables(empty_database) == {
        f"{'public' if table in earlier else schemas[0]}.{table}"
        for table in ("users", "tasks", "conversations", "messages")
    }
    existing = {name for name, _, _ in before}
    assert [part for part in catalogue(empty_database) if part[0] in existing] == before
    for table in earlier:
        assert rows(empty_database, f"TABLE public.{table}") == contents[table]
    if "users" in earlier:  # conversations build on them
        run(empty_database, "INSERT INTO conversations (user_id) VALUES ('ada')")

    migrate.rollback(empty_database, steps=None)

    assert catalogue(empty_database) == before
    for table in earlier:
        assert rows(empty_database, f"TABLE public.{table}") == contents[table]


@pytest.mark.parametrize(
    ("earlier", "file", "reason"),
    [
        ("CREATE VIEW users AS SELECT 'ada'::text AS id", "0001.users", "existing public.users"),
        ("CREATE TABLE users (id integer PRIMARY KEY)", "0001.users", "whose id is integer"),
        ("CREATE TABLE users (name text PRIMARY KEY)", "0001.users", "whose id is missing"),
        ("CREATE TABLE users (id text)", "0001.users", "unique by itself"),
        (
            "CREATE TABLE users (id text, gone bool);"
            " CREATE UNIQUE INDEX ON users (id) WHERE NOT gone",
            "0001.users",
            "unique by itself",
        ),
        ("CREATE TABLE users (id text, at text, UNIQUE (id, at))", "0001.users", "by itself"),
        (
            "CREATE TABLE conversations (id integer)",
            "0003.conversations",
            "public.conversations exists, and this migration did not make it",
        ),
        (
            "CREATE TABLE messages (id integer)",
            "0004.messages",
            "public.messages exists, and this migration did not make it",
        ),
    ],
)
@pytest.mark.parametrize("schemas", [["public"], ["app", "public"]], ids=" ".join)
def test_tables_in_the_way_are_refused_before_anything_is_applied(
    empty_database: str, earlier: str, file: str, reason: str, schemas: list[str]
) -> None:
    run(empty_database, "CREATE SCHEMA app", earlier)
    search_path(empty_database, *schemas)
    before = catalogue(empty_database)

    sentence = rf"^{file}.sql, statement 1: .*{reason}"
    for steps, dry_run in ((None, False), (1, False), (None, True)):  # nor is the first one alone
        with pytest.raises(errors.SchemaMismatchError, match=sentence):
            migrate.apply(empty_database, steps=steps, dry_run=dry_run)

    assert catalogue(empty_database) == before
    assert [state.applied_at for state in migrate.status(empty_database)] == [None] * len(IDS)
    assert migrate.rollback(empty_database, steps=None) == []
    assert catalogue(empty_database) == before


def test_second_installation_neither_shadows_nor_drops_the_first(migrated: str) -> None:
    run(migrated, "CREATE SCHEMA app")
    before = catalogue(migrated)
    search_path(migrated, "app", "public")

    with pytest.raises(errors.SchemaMismatchError, match=r"public.conversations exists"):
        migrate.apply(migrated)
    assert migrate.rollback(migrated, steps=None) == []
    assert catalogue(migrated) == before
