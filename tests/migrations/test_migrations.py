"""The migrations on a real server: what they build, what they leave alone, what they undo."""

import re
import shutil
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from dal import errors, migrate, places
from dal.places import MIGRATIONS

IDS = ["0001.users", "0002.tasks", "0003.conversations", "0004.messages"]

SCHEMA = """
public.conversations
    id uuid NOT NULL DEFAULT gen_random_uuid()
    user_id character varying(255) NOT NULL
    status character varying(20) NOT NULL DEFAULT 'active'::character varying
    created_at timestamp with time zone NOT NULL DEFAULT now()
    updated_at timestamp with time zone NOT NULL DEFAULT now()
    chk_conversation_status CHECK (status::text = ANY (ARRAY['active'::character varying, 'archived'::character varying]::text[]))
    conversations_pkey PRIMARY KEY (user_id, id)
    conversations_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
    idx_conversations_updated_at btree (updated_at DESC, status)
    idx_conversations_user_id btree (user_id, updated_at DESC, id DESC)
    idx_conversations_user_status btree (user_id, status, updated_at DESC, id DESC)
public.messages
    id uuid NOT NULL DEFAULT gen_random_uuid()
    conversation_id uuid NOT NULL
    user_id character varying(255) NOT NULL
    role character varying(20) NOT NULL
    content text NOT NULL
    metadata jsonb
    created_at timestamp with time zone NOT NULL DEFAULT now()
    chk_message_role CHECK (role::text = ANY (ARRAY['user'::character varying, 'assistant'::character varying]::text[]))
    chk_user_message_length CHECK (role::text <> 'user'::text OR char_length(content) <= 1000)
    messages_pkey PRIMARY KEY (user_id, id)
    messages_user_id_conversation_id_fkey FOREIGN KEY (user_id, conversation_id) REFERENCES conversations(user_id, id) ON DELETE CASCADE
    idx_messages_conversation_created btree (conversation_id, user_id, created_at DESC, id DESC)
    idx_messages_conversation_id btree (conversation_id)
    idx_messages_created_at btree (created_at DESC)
public.tasks
    id uuid NOT NULL DEFAULT gen_random_uuid()
    user_id character varying(255) NOT NULL
    title character varying(255) NOT NULL
    description text
    completed boolean NOT NULL DEFAULT false
    completed_at timestamp with time zone
    created_at timestamp with time zone NOT NULL DEFAULT now()
    updated_at timestamp with time zone NOT NULL DEFAULT now()
    chk_task_completed_at CHECK (completed = (completed_at IS NOT NULL))
    chk_task_title CHECK (title::text ~ '[^ \\t\\n\\v\\f\\r]'::text)
    tasks_pkey PRIMARY KEY (user_id, id)
    tasks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
    idx_tasks_user_completed btree (user_id, completed, created_at DESC, id DESC)
    idx_tasks_user_id btree (user_id, created_at DESC, id DESC)
public.users
    id character varying(255) NOT NULL
    created_at timestamp with time zone NOT NULL DEFAULT now()
    users_pkey PRIMARY KEY (id)
"""  # noqa: E501

# All that is in the database, apart from PostgreSQL's own and yoyo's tables.
CATALOGUE = r"""
    WITH relation AS (
        SELECT oid, relkind, relnamespace::regnamespace || '.' || relname AS name
        FROM pg_class
        WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
          AND relname !~ '^_?yoyo_'
    ), part (name, position, kind, line) AS (
        SELECT name, 0, 'relation', relkind::text FROM relation
        UNION ALL
        SELECT name, attnum, 'column', concat_ws(
            ' ', attname, format_type(atttypid, atttypmod),
            CASE WHEN attnotnull THEN 'NOT NULL' END,
            'DEFAULT ' || pg_get_expr(adbin, adrelid))
        FROM relation
        JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        UNION ALL
        SELECT name, 10001, 'constraint',
            conname || ' ' || pg_get_constraintdef(pg_constraint.oid, true)
        FROM relation JOIN pg_constraint ON conrelid = relation.oid
        WHERE contype <> 'n'  -- PostgreSQL 18 lists each NOT NULL here as well
        UNION ALL
        SELECT name, 10002, 'index', concat_ws(
            ' ', indexrelid::regclass::name, CASE WHEN indisunique THEN 'UNIQUE' END,
            split_part(pg_get_indexdef(indexrelid), ' USING ', 2))
        FROM relation JOIN pg_index ON indrelid = relation.oid
        WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype = 'p')
        UNION ALL
        SELECT name, 10003, 'comment', objsubid || ' ' || description
        FROM relation
        JOIN pg_description ON objoid = relation.oid AND classoid = 'pg_class'::regclass
        UNION ALL
        SELECT typname, 10004, 'type', typtype::text FROM pg_type
        WHERE typnamespace::regnamespace::text !~ '^(pg_|information_schema)'
          AND typtype NOT IN ('c', 'b')
        UNION ALL
        SELECT proname, 10005, 'function', prokind::text FROM pg_proc
        WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
    )
    SELECT name, kind, line FROM part ORDER BY name COLLATE "C", position, line COLLATE "C"
"""

Catalogue = list[tuple[str, str, str]]


def run(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def catalogue(dsn: str) -> Catalogue:
    return [(name, kind, line) for name, kind, line in rows(dsn, CATALOGUE)]


def tables(dsn: str) -> set[str]:
    return {name for name, kind, line in catalogue(dsn) if (kind, line) == ("relation", "r")}


def search_path(dsn: str, *schemas: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET search_path = {}").format(
                sql.Identifier(connection.info.dbname),
                sql.SQL(", ").join(map(sql.Identifier, schemas)),
            )
        )


@pytest.fixture
def migrated(empty_database: str) -> str:
    migrate.apply(empty_database)
    return empty_database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations to change, at a path that yoyo would take for a pattern."""
    return shutil.copytree(MIGRATIONS, tmp_path / "migrations [copy]")


# What they build


def test_schema_is_exactly_the_designed_one(empty_database: str) -> None:
    applied = migrate.apply(empty_database)

    assert [done.id for done in applied] == IDS
    assert all(done.seconds > 0 for done in applied)
    lines = []
    for name, kind, line in catalogue(empty_database):
        if (kind, line) == ("relation", "r"):
            lines.append(f"{name}\n")
        elif name in SCHEMA.split() and kind in ("column", "constraint", "index"):
            lines.append(f"    {line}\n")
    assert "".join(lines) == SCHEMA.lstrip()


def test_each_table_names_its_migration_in_its_comment(migrated: str) -> None:
    for migration in IDS:
        table = migration.partition(".")[2]
        [(comment,)] = rows(migrated, f"SELECT obj_description('{table}'::regclass, 'pg_class')")
        assert comment.startswith(f"dal {migration}: ")


def test_applying_twice_changes_nothing(migrated: str) -> None:
    before = catalogue(migrated), rows(migrated, "TABLE _yoyo_log")

    assert migrate.apply(migrated) == []
    assert (catalogue(migrated), rows(migrated, "TABLE _yoyo_log")) == before


def test_run_cut_short_before_its_note_can_be_repeated(migrated: str) -> None:
    before = catalogue(migrated)
    run(migrated, "DELETE FROM _yoyo_migration")

    assert [done.id for done in migrate.apply(migrated)] == IDS
    assert catalogue(migrated) == before


# What they undo


def test_up_down_and_up_again(empty_database: str) -> None:
    empty = catalogue(empty_database)
    assert empty == []
    migrate.apply(empty_database)
    full = catalogue(empty_database)

    assert [undone.id for undone in migrate.rollback(empty_database, steps=None)] == IDS[::-1]
    assert catalogue(empty_database) == empty
    assert [done.id for done in migrate.apply(empty_database)] == IDS
    assert catalogue(empty_database) == full


def test_each_step_down_and_up(empty_database: str, tmp_path: Path) -> None:
    def step_up(migration: str) -> Catalogue:
        shutil.copy(MIGRATIONS / f"{migration}.sql", tmp_path)
        [applied] = migrate.apply(empty_database, folder=tmp_path)
        assert applied.id == migration
        return catalogue(empty_database)

    snapshots = [catalogue(empty_database)]
    for migration in IDS:
        snapshots.append(step_up(migration))
        assert snapshots[-1] != snapshots[-2]

    for before, migration in reversed(list(zip(snapshots, IDS, strict=False))):
        [undone] = migrate.rollback(empty_database)
        assert undone.id == migration
        assert catalogue(empty_database) == before
        (tmp_path / f"{migration}.sql").unlink()

    assert [step_up(migration) for migration in IDS] == snapshots[1:]


def test_rollback_goes_by_the_mark(migrated: str) -> None:
    run(
        migrated,
        "COMMENT ON TABLE messages IS 'dal 0004.messages: in other words'",
        "COMMENT ON TABLE tasks IS 'in other words'",
    )
    migrate.rollback(migrated, steps=3)

    assert tables(migrated) == {"public.tasks", "public.users"}


def test_rollback_leaves_what_others_have_come_to_refer_to(migrated: str) -> None:
    run(migrated, "CREATE TABLE orders (user_id varchar(255) REFERENCES users)")

    with pytest.raises(errors.DalError, match=r"^0001.users: cannot drop table users because"):
        migrate.rollback(migrated, steps=None)
    assert tables(migrated) == {"public.users", "public.orders"}


# What they leave alone

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
    ("earlier", "applied", "reason"),
    [
        ("CREATE VIEW users AS SELECT 'ada'::text AS id", 0, "existing public.users"),
        ("CREATE TABLE users (id integer PRIMARY KEY)", 0, "type varchar or text"),
        ("CREATE TABLE users (name text PRIMARY KEY)", 0, "an id of"),
        ("CREATE TABLE users (id text)", 0, "unique by itself"),
        (
            "CREATE TABLE users (id text, gone bool);"
            " CREATE UNIQUE INDEX ON users (id) WHERE NOT gone",
            0,
            "unique by itself",
        ),
        ("CREATE TABLE users (id text, at text, UNIQUE (id, at))", 0, "unique by itself"),
        ("CREATE TABLE conversations (id integer)", 2, "public.conversations exists"),
        ("CREATE TABLE messages (id integer)", 3, "public.messages exists"),
    ],
)
@pytest.mark.parametrize("schemas", [["public"], ["app", "public"]], ids=" ".join)
def test_tables_in_the_way_are_refused(
    empty_database: str, earlier: str, applied: int, reason: str, schemas: list[str]
) -> None:
    run(empty_database, "CREATE SCHEMA app", earlier)
    search_path(empty_database, *schemas)
    before = catalogue(empty_database)

    with pytest.raises(errors.SchemaMismatchError, match=rf"^{IDS[applied]}: .*{reason}"):
        migrate.apply(empty_database)

    pending = [state.id for state in migrate.status(empty_database) if not state.applied_at]
    assert pending == IDS[applied:]
    migrate.rollback(empty_database, steps=None)
    assert catalogue(empty_database) == before


def test_second_installation_neither_shadows_nor_drops_the_first(migrated: str) -> None:
    run(migrated, "CREATE SCHEMA app")
    before = catalogue(migrated)
    search_path(migrated, "app", "public")

    with pytest.raises(errors.SchemaMismatchError, match=r"public.conversations exists"):
        migrate.apply(migrated)
    assert [undone.id for undone in migrate.rollback(migrated, steps=None)] == IDS[1::-1]
    assert catalogue(migrated) == before


# What the tables refuse and let go

CHAT = "00000000-0000-4000-8000-000000000001"
OTHER_CHAT = "00000000-0000-4000-8000-000000000002"
PEOPLE = f"""
    INSERT INTO users (id) VALUES ('ada'), ('bob');
    INSERT INTO conversations (user_id, id) VALUES ('ada', '{CHAT}'), ('ada', '{OTHER_CHAT}');
    INSERT INTO messages (user_id, conversation_id, role, content)
    VALUES ('ada', '{CHAT}', 'user', 'Hello'), ('ada', '{OTHER_CHAT}', 'assistant', 'Hello');
    INSERT INTO tasks (user_id, title) VALUES ('ada', 'Buy milk'), ('bob', 'Buy milk')
"""


def message(role: str, content: str, user: str = "ada") -> str:
    return f"""
        INSERT INTO messages (user_id, conversation_id, role, content)
        VALUES ('{user}', '{CHAT}', '{role}', {content})
    """


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (message("system", "''"), "chk_message_role"),
        (message("user", "repeat('a', 1001)"), "chk_user_message_length"),
        (message("user", "'Hello'", user="bob"), "messages_user_id_conversation_id_fkey"),
        ("UPDATE conversations SET status = 'deleted'", "chk_conversation_status"),
        ("UPDATE tasks SET completed = true", "chk_task_completed_at"),
        ("UPDATE tasks SET completed_at = now()", "chk_task_completed_at"),
        ("UPDATE tasks SET title = ''", "chk_task_title"),
        (r"UPDATE tasks SET title = E' \t\n\x0b\f\r'", "chk_task_title"),
        ("INSERT INTO conversations (user_id) VALUES ('eve')", "conversations_user_id_fkey"),
        ("INSERT INTO tasks (user_id, title) VALUES ('eve', 'a')", "tasks_user_id_fkey"),
    ],
)
def test_constraints_refuse(migrated: str, statement: str, constraint: str) -> None:
    run(migrated, PEOPLE)

    with pytest.raises(psycopg.IntegrityError) as refused:
        run(migrated, statement)
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    "statement",
    [
        message("user", "repeat(U&'\\+01F600', 1000)"),  # 4,000 bytes
        message("user", "''"),
        message("assistant", "repeat('a', 100000)"),
        "UPDATE conversations SET status = 'archived'",
        "UPDATE tasks SET completed = true, completed_at = now()",
        r"UPDATE tasks SET title = E'\t a'",
        f"INSERT INTO conversations (user_id, id) VALUES ('bob', '{CHAT}')",  # ids are per owner
    ],
)
def test_constraints_accept(migrated: str, statement: str) -> None:
    run(migrated, PEOPLE, statement)


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        (f"DELETE FROM conversations WHERE id = '{CHAT}'", (2, 1, 1, 2)),
        ("DELETE FROM users WHERE id = 'ada'", (1, 0, 0, 1)),
    ],
)
def test_deletions_cascade(migrated: str, statement: str, left: tuple[int, ...]) -> None:
    counts = "SELECT " + ", ".join(
        f"(SELECT count(*) FROM {table})"
        for table in ("users", "conversations", "messages", "tasks")
    )
    run(migrated, PEOPLE)
    assert rows(migrated, counts) == [(2, 2, 2, 2)]

    run(migrated, statement)
    assert rows(migrated, counts) == [left]


# The runner


def test_status_of_a_database_never_migrated_writes_nothing(empty_database: str) -> None:
    assert migrate.status(empty_database) == [migrate.State(migration, None) for migration in IDS]
    assert rows(empty_database, "SELECT relname FROM pg_class WHERE relname LIKE '%yoyo%'") == []


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


def test_migrations_before_a_failing_one_stay(empty_database: str, folder: Path) -> None:
    (folder / "0005.bad.sql").write_text("CREATE TABLE bad (a int);\nSELECT 1 / 0;\n")

    with pytest.raises(errors.DalError, match=r"^0005.bad: division by zero$") as failed:
        migrate.apply(empty_database, folder=folder)

    assert failed.value.sqlstate == "22012"
    assert [s.id for s in migrate.status(empty_database, folder=folder) if s.applied_at] == IDS
    assert "public.bad" not in tables(empty_database)
    assert rows(empty_database, "TABLE yoyo_lock") == []


def test_failure_does_not_quote_rows(empty_database: str, folder: Path) -> None:
    (folder / "0005.bad.sql").write_text(
        "INSERT INTO users (id) VALUES ('ada lovelace'), ('ada lovelace');\n"
    )
    with pytest.raises(errors.DalError, match=r"0005.bad: .*users_pkey") as failed:
        migrate.apply(empty_database, folder=folder)
    assert "lovelace" not in "".join(traceback.format_exception(failed.value))


def test_migration_without_rollback_is_not_rolled_back(empty_database: str, folder: Path) -> None:
    migrate.apply(empty_database)
    before = catalogue(empty_database)
    (folder / "0003.conversations.rollback.sql").unlink()

    with pytest.raises(errors.ConfigurationError, match=r"0003.conversations.rollback.sql"):
        migrate.rollback(empty_database, steps=2, folder=folder)
    assert catalogue(empty_database) == before
    assert all(state.applied_at for state in migrate.status(empty_database))


@pytest.mark.parametrize("steps", [0, -1])
def test_steps_below_one_are_refused(migrated: str, steps: int) -> None:
    with pytest.raises(errors.InvalidInputError, match="at least 1"):
        migrate.rollback(migrated, steps=steps)
    assert all(state.applied_at for state in migrate.status(migrated))


def test_missing_right_to_create_is_told_at_once(empty_database: str) -> None:
    search_path(empty_database, "nowhere")

    with pytest.raises(errors.PermissionDeniedError, match="may not create tables"):
        migrate.apply(empty_database)
    assert [state.applied_at for state in migrate.status(empty_database)] == [None] * 4


RUNNERS = pytest.mark.parametrize("runner", [migrate.apply, migrate.rollback, migrate.status])


@RUNNERS
@pytest.mark.parametrize("made", [True, False])
def test_missing_or_empty_folder_is_an_error(
    empty_database: str, tmp_path: Path, runner: Callable[..., object], made: bool
) -> None:
    if made:
        (tmp_path / "migrations").mkdir()
    with pytest.raises(errors.ConfigurationError, match="migrations/ is missing or empty"):
        runner(empty_database, folder=tmp_path / "migrations")


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


def test_unreachable_server_is_told_with_the_reason() -> None:
    with pytest.raises(errors.DatabaseUnavailableError, match="port 1 failed: Connection refused"):
        migrate.status("postgresql://ada:hunter2@127.0.0.1:1/chat")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql+asyncpg", "postgresql+psycopg"])
def test_url_of_another_driver_works(empty_database: str, scheme: str) -> None:
    dsn = re.sub(r"^\w+(?=://)", scheme, empty_database)

    assert len(migrate.apply(dsn)) == 4
    assert len(migrate.status(dsn)) == 4
    assert len(migrate.rollback(dsn, steps=None)) == 4


# Where they lie


def test_folders_of_a_wheel_lie_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "__file__", str(tmp_path / "dal" / "places.py"))
    for home in (tmp_path, tmp_path / "dal"):  # a stranger's folder next to the package
        (home / "sql").mkdir(parents=True)

    assert places._folder("sql") == tmp_path / "dal" / "sql"
    with pytest.raises(errors.ConfigurationError, match="without its migrations/ folder"):
        places._folder("migrations")
