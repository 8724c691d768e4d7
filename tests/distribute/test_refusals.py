"""What `dal distribute` refuses, as far as a server without Citus can tell."""

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from dal.check.project import OwnerColumns
from dal.cli.commands import app
from dal.distribute.plan import script
from dal.distribute.refusals import obstacles, refuse_others
from dal.distribute.tables import owned
from dal.errors import SchemaMismatchError
from dal.migrate.session import LOCK_TIMEOUT_SECONDS
from dal.project.dal_project import OWNER
from tests.migrations.database import IDS, catalogue, run

OWN = [*OWNER.by_table]
OTHERS = "CREATE TABLE others (user_id varchar(255), id int, PRIMARY KEY (user_id, id))"


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(url: str, *options: str) -> tuple[int, str]:
    """The exit status and the sentence; nothing has changed."""
    before = catalogue(url)
    result = CliRunner().invoke(app, ["distribute", *options], env={"DATABASE_URL": url})
    assert (result.stdout, catalogue(url)) == ("", before)
    return result.exit_code, result.stderr


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_plain_server(url: str, options: tuple[str, ...]) -> None:
    status, said = refusal(url, *options)
    assert status == 3
    assert "the extension citus is missing in this database: install Citus on each node" in said
    assert "max_prepared_transactions is 0" in said


def test_pending_migrations(empty_database: str) -> None:
    status, said = refusal(empty_database)
    assert (status, f"migrations are pending: {', '.join(IDS)}; run dal migrate" in said) == (
        14,
        True,
    )


def test_nothing_to_undo(url: str) -> None:
    result = CliRunner().invoke(app, ["distribute", "--undo"], env={"DATABASE_URL": url})
    assert (result.exit_code, result.stdout) == (0, "nothing to do: no table is distributed\n")


def test_options_that_exclude_each_other(url: str) -> None:
    for option in (["--existing"], ["--shards", "4"]):
        assert refusal(url, "--undo", *option)[0] == 2


def test_our_tables_are_fit(url: str) -> None:
    with psycopg.connect(url) as connection:
        tables = owned(connection, OWNER, OWN)
        assert [(table.name, table.owner) for table in tables] == [*OWNER.by_table.items()]
        assert all(table.is_dals for table in tables)
        assert obstacles(connection, tables) == []


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (
            [
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                "CREATE TRIGGER quiet AFTER INSERT ON users EXECUTE FUNCTION f()",
            ],
            "the trigger quiet on users",
        ),
        (["CREATE UNIQUE INDEX once ON tasks (id)"], "the unique key once of tasks is without"),
        (
            [
                "CREATE TABLE booked (user_id varchar(255), day daterange,"
                " EXCLUDE USING gist (day WITH &&))"
            ],
            "the unique key booked_day_excl of booked is without user_id",
        ),
        (["CREATE TABLE kept () INHERITS (tasks)"], "inherits, or is inherited from"),
        (
            ["CREATE TABLE parts (user_id varchar(255)) PARTITION BY HASH (user_id)"],
            "parts inherits, or is inherited from",
        ),
        (
            ["CREATE TABLE others (user_id text)"],
            "others.user_id is text, and users.id is character varying",
        ),
        (
            ['CREATE TABLE others (user_id varchar(255) COLLATE "C")'],
            "others.user_id is character varying, and users.id is character varying",
        ),
        (
            ["CREATE TABLE orders (buyer varchar(255) REFERENCES users)"],
            "the foreign key orders_buyer_fkey from orders to users, one of which",
        ),
        (
            [
                "CREATE TABLE plans (id int PRIMARY KEY)",
                "ALTER TABLE users ADD plan int REFERENCES plans",
            ],
            "the foreign key users_plan_fkey from users to plans, one of which",
        ),
        (
            [
                OTHERS,
                "CREATE TABLE shared (user_id varchar(255), theirs varchar(255), id int,"
                " FOREIGN KEY (theirs, id) REFERENCES others)",
            ],
            "the foreign key shared_theirs_id_fkey from shared to others does not refer to",
        ),
        (
            [
                OTHERS,
                "CREATE TABLE shared (user_id varchar(255), id int,"
                " FOREIGN KEY (user_id, id) REFERENCES others ON DELETE SET NULL)",
            ],
            "the foreign key shared_user_id_id_fkey of shared may change the owner",
        ),
    ],
)
def test_what_keeps_a_table(url: str, statements: list[str], problem: str) -> None:
    run(url, *statements)
    with psycopg.connect(url) as connection:
        found = obstacles(connection, owned(connection, OWNER, OWN))
    assert {problem in str(each) for each in found} == {True}, found


def test_only_what_stays_behind_keeps_tables_from_coming_back(url: str) -> None:
    run(
        url,
        OTHERS,
        "CREATE TABLE shared (user_id varchar(255), theirs varchar(255), id int,"
        " FOREIGN KEY (theirs, id) REFERENCES others)",
    )
    with psycopg.connect(url) as connection:
        tables = owned(connection, OWNER, OWN)
        assert [each.kind for each in obstacles(connection, tables)] == ["foreign key"]
        refuse_others(connection, tables)
        connection.execute("CREATE TABLE orders (buyer varchar(255) REFERENCES users)")
        with pytest.raises(SchemaMismatchError, match="one of which would stay behind"):
            refuse_others(connection, tables)


def test_the_way_back_waits_as_long_as_a_migration(url: str) -> None:
    with psycopg.connect(url) as connection:
        written = script(connection, "undo", owned(connection, OWNER, OWN), 8)
    limit = f"{LOCK_TIMEOUT_SECONDS * 1000:.0f}ms"
    assert f"SET LOCAL lock_timeout = '{limit}'" in written.lock


def test_a_circle(url: str) -> None:
    run(
        url,
        OTHERS,
        "CREATE TABLE more (user_id varchar(255), id int, PRIMARY KEY (user_id, id),"
        " FOREIGN KEY (user_id, id) REFERENCES others)",
        "ALTER TABLE others ADD FOREIGN KEY (user_id, id) REFERENCES more",
    )
    with psycopg.connect(url) as connection, pytest.raises(SchemaMismatchError, match="keys lead"):
        owned(connection, OWNER, OWN)


def test_no_owner(url: str) -> None:
    with psycopg.connect(url) as connection, pytest.raises(SchemaMismatchError, match="no table"):
        owned(connection, OwnerColumns(), ())


def test_a_table_comes_after_those_that_it_needs(url: str) -> None:
    run(
        url,
        'CREATE TABLE "A b" (user_id varchar(255), chat uuid,'
        " FOREIGN KEY (user_id, chat) REFERENCES conversations)",
    )
    with psycopg.connect(url) as connection:
        tables = owned(connection, OWNER, OWN)
        assert [table.name for table in tables] == [*OWN, "A b"]
        written = script(connection, "distribute", tables, 8)
        assert written.move[-1] == (
            "SELECT create_distributed_table('\"A b\"', 'user_id', colocate_with => 'users')"
        )
        assert written.move[0].endswith("colocate_with => 'none', shard_count => 8)")
        # One call takes along what foreign keys connect.
        assert script(connection, "undo", tables, 8).move == [
            "SELECT undistribute_table('users', cascade_via_foreign_keys => true)"
        ]
