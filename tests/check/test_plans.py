"""Plans that would grow with the data are found, each in its place, and what is meant is waived."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from pydantic import BaseModel

from dal.binding.binding import Binding
from dal.check.findings import Finding
from dal.check.project import Project
from dal.check.rules import PLAN_RULES
from dal.check.rules.indexes import indexes
from dal.check.run import prove
from dal.check.server.catalog import LARGE_ROWS, Catalog
from dal.check.server.explain import custom_plan, generic_plan
from dal.check.server.populate import populate
from dal.check.statement import BoundStatement
from dal.inputs import PageStart
from dal.paths import MIGRATIONS, SQL
from dal.project.dal_project import dal_project
from dal.testing.server import Postgres
from tests.check.reads import STATEMENTS
from tests.check.stubs import bound
from tests.migrations.database import NEXT


class Found(BaseModel):
    id: Any


Before: TypeAlias = PageStart[Found]


@pytest.fixture(scope="module")
def filled(dal_server: Postgres, dal_template: str) -> Iterator[psycopg.Connection]:
    url = dal_server.create(dal_template)
    with psycopg.connect(url, autocommit=True) as connection:
        populate(connection, dal_project())
        yield connection
    dal_server.drop(url)


@pytest.fixture
def database(filled: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A populated database; what a test changes is undone."""
    with filled.transaction(force_rollback=True):
        yield filled


def findings(
    connection: psycopg.Connection, bindings: Iterable[Binding], *, live: bool = False
) -> list[Finding]:
    """The findings about plans, and about waivers."""
    catalog = Catalog(connection, [Project(MIGRATIONS, (SQL,))], live=live)
    return [
        finding
        for binding in bindings
        for finding in prove(BoundStatement(binding, catalog), catalog)
        if finding.rule in (*PLAN_RULES, "waiver", "needless-waiver")
    ]


def unused_indexes(connection: psycopg.Connection, migrations: Path) -> list[Finding]:
    """The findings about indexes, with all of the project's statements."""
    project = Project(
        migrations,
        (SQL,),
        migrations=migrations,
        comment_prefix="dal ",
        indexes=SQL / "indexes.sql",
    )
    catalog = Catalog(connection, [project])
    statements = [BoundStatement(binding, catalog) for binding in STATEMENTS.values()]
    return list(indexes(statements, catalog))


def rules_at(reported: Iterable[Finding]) -> list[str]:
    """Rule, line and column."""
    return [
        f"{finding.rule} {finding.line_and_column[0]}:{finding.line_and_column[1]}"
        for finding in reported
    ]


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "an expression": (
        "SELECT id, title AS tasks FROM tasks WHERE lower(user_id) = :user_id",
        {"user_id": str},
        "seq-scan 1:32",
    ),
    "an optional filter": (
        "SELECT id\nFROM conversations\nWHERE :user_id::text IS NULL OR user_id = :user_id",
        {"user_id": str},
        "seq-scan 2:6",
    ),
    "the tail of a key": (
        "SELECT t.id FROM users AS u, tasks AS t WHERE u.id = :user_id AND t.title = u.id",
        {"user_id": str},
        "seq-scan 1:30",
    ),
    "no condition": (
        "SELECT id FROM conversations ORDER BY updated_at DESC, status LIMIT :limit",
        {"limit": int},
        "unbounded-index-scan 1:16",
    ),
    "another order": (
        "SELECT id FROM tasks WHERE user_id = :user_id ORDER BY title LIMIT :limit",
        {"user_id": str, "limit": int},
        "sort 1:16",
    ),
    "a sort of what a CTE has read": (
        "WITH own AS MATERIALIZED (SELECT id, title FROM tasks WHERE user_id = :user_id)\n"
        "SELECT id FROM own ORDER BY title",
        {"user_id": str},
        "sort 1:49",
    ),
    "a sort of one table beside another": (
        "SELECT m.id FROM conversations AS c JOIN messages AS m\n"
        "ON m.user_id = c.user_id AND m.conversation_id = c.id\n"
        "WHERE c.user_id = :user_id AND c.id = :conversation_id::uuid ORDER BY m.content",
        {"user_id": str, "conversation_id": Any},
        "sort 1:42",
    ),
    "a key that an index of more columns answers by itself": (
        "SELECT id, updated_at FROM conversations AS c\n"
        "WHERE c.user_id = :user_id AND c.id = :conversation_id::uuid",
        {"user_id": str, "conversation_id": Any},
        "key-lookup 1:28",
    ),
    "a key of which an index has the first column only": (
        "SELECT id, title FROM tasks WHERE user_id = :user_id AND id::text = :task_id",
        {"user_id": str, "task_id": str},
        "key-lookup 1:23",
    ),
    "a key whose last column a join gives": (
        "WITH given AS MATERIALIZED (SELECT :task_id::text AS id) SELECT t.id, t.title\n"
        "FROM given JOIN tasks AS t ON t.user_id = :user_id AND t.id::text = given.id",
        {"user_id": str, "task_id": str},
        "key-lookup 2:17",
    ),
    # A walk from the newest message of all, past everyone else's.
    "a conversation that the planner knows": (
        "SELECT id, content FROM messages\n"
        "WHERE conversation_id = :conversation_id::uuid AND user_id = :user_id\n"
        "ORDER BY created_at DESC LIMIT (SELECT :limit::bigint)",
        {"conversation_id": Any, "user_id": str, "limit": int},
        "plan-differs 1:25",
    ),
    # The same index in both plans, but not as much of it.
    "a filter that a value switches off": (
        "SELECT id, created_at FROM conversations\n"
        "WHERE user_id = :user_id AND (:status::text IS NULL OR status = :status)\n"
        "ORDER BY status, updated_at DESC LIMIT (SELECT :limit::bigint)",
        {"user_id": str, "status": str, "limit": int},
        "plan-differs 1:28",
    ),
    # A user of few tasks is thought to have less of them than a page holds.
    "a limit that the planner knows": (
        "SELECT id, title FROM tasks\n"
        "WHERE user_id = :user_id AND (created_at, id) < (\n"
        "    coalesce(:before_time::timestamptz, 'infinity'),\n"
        "    coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))\n"
        "ORDER BY created_at DESC, id DESC LIMIT :limit",
        {"user_id": str, "before": Before, "limit": int},
        "plan-differs 1:23",
    ),
}


@pytest.mark.parametrize(("sql", "arguments", "expected"), BROKEN.values(), ids=BROKEN)
def test_what_grows_with_the_data(
    database: psycopg.Connection, tmp_path: Path, sql: str, arguments: dict[str, Any], expected: str
) -> None:
    results = findings(database, [bound(tmp_path, sql, list[Found], **arguments)])
    assert rules_at(results) == [expected]
    plan, separator, other = results[0].message.partition("; the generic plan has ")
    assert not (separator and plan.endswith(other))


SOUND: dict[str, tuple[str, dict[str, Any]]] = {
    "what a LIMIT cut": (
        "SELECT id FROM (SELECT id, title FROM tasks WHERE user_id = :user_id\n"
        "ORDER BY created_at DESC LIMIT (SELECT :limit::bigint)) AS page ORDER BY title",
        {"user_id": str, "limit": int},
    ),
    "what the caller gave": (
        "SELECT given.id FROM unnest(:ids::uuid[]) AS given (id) ORDER BY given.id",
        {"ids": list[Any]},
    ),
    "what the caller named": (
        "SELECT t.id FROM unnest(:user_ids::text[], :ids::uuid[]) AS given (user_id, id)\n"
        "JOIN tasks AS t ON t.user_id = given.user_id AND t.id = given.id ORDER BY t.title",
        {"user_ids": list[str], "ids": list[Any]},
    ),
    "a key, by its own index": (
        "SELECT id, created_at FROM conversations AS c\n"
        "WHERE c.user_id = :user_id AND c.id = :conversation_id::uuid",
        {"user_id": str, "conversation_id": Any},
    ),
    "what an aggregate counted": (
        "SELECT n AS id FROM (SELECT count(*) AS n FROM tasks WHERE user_id = :user_id\n"
        "UNION ALL SELECT count(*) FROM conversations WHERE user_id = :user_id) AS own ORDER BY n",
        {"user_id": str},
    ),
    "a limit that is hidden": (
        "SELECT id FROM tasks WHERE user_id = :user_id\n"
        "ORDER BY created_at DESC, id DESC LIMIT (SELECT :limit::bigint)",
        {"user_id": str, "limit": int},
    ),
}


@pytest.mark.parametrize(("sql", "arguments"), SOUND.values(), ids=SOUND)
def test_what_is_bounded(
    database: psycopg.Connection, tmp_path: Path, sql: str, arguments: dict[str, Any]
) -> None:
    binding = bound(tmp_path, sql, list[Found], **arguments)
    assert findings(database, [binding]) == []


def test_the_advice_runs(database: psycopg.Connection, tmp_path: Path) -> None:
    sql, arguments, _ = BROKEN["a limit that the planner knows"]
    [finding] = findings(database, [bound(tmp_path, sql, list[Found], **arguments)])
    _, advice = finding.help.rsplit(", ", 1)
    mended = sql.replace("LIMIT :limit", advice)
    assert mended != sql
    assert findings(database, [bound(tmp_path, mended, list[Found], **arguments)]) == []


def _samples(
    connection: psycopg.Connection, binding: Binding, tables: set[str]
) -> Iterator[tuple[str, list[str | None]]]:
    catalog = Catalog(connection, [Project(MIGRATIONS, (SQL,))])
    types = catalog.describe(binding.statement).parameters
    return catalog.samples.of(binding, types, tables)


def test_samples_are_common_and_rare_on_the_first_page_and_later(
    database: psycopg.Connection,
) -> None:
    samples = list(_samples(database, STATEMENTS["messages.history"], {"messages"}))
    assert [(kind, values[2] is None) for kind, values in samples] == [
        ("common", False), ("common", True), ("rare", False), ("rare", True),
    ]  # fmt: skip
    held = "SELECT count(*) FROM messages WHERE conversation_id = %s"
    counts = [database.execute(held, values[:1]).fetchone() for _, values in samples]
    assert counts == [(4500,)] * 2 + [(3,)] * 2


def test_an_index_that_is_gone(database: psycopg.Connection) -> None:
    assert findings(database, [STATEMENTS["messages.history"]]) == []
    database.execute("DROP INDEX idx_messages_conversation_created")
    [finding] = findings(database, [STATEMENTS["messages.history"]])
    assert (finding.rule, finding.path) == ("sort", SQL / "messages/history.sql")
    assert finding.path.read_text()[finding.offset :].startswith("messages\nWHERE")


def test_a_table_that_the_search_path_does_not_find(
    database: psycopg.Connection, tmp_path: Path
) -> None:
    database.execute("CREATE SCHEMA elsewhere")
    database.execute("CREATE TABLE elsewhere.tasks (user_id text, id uuid, title text)")
    database.execute("CREATE INDEX by_user ON elsewhere.tasks (user_id, title, id)")
    sql = "SELECT id FROM elsewhere.tasks WHERE user_id = :user_id AND id = :id::uuid"
    assert findings(database, [bound(tmp_path, sql, list[Found], user_id=str, id=Any)]) == []


def test_a_small_table_may_be_read_whole(database: psycopg.Connection, tmp_path: Path) -> None:
    sql = "-- Waives sort on tasks: none.\nSELECT id FROM tasks WHERE lower(title) = :title"
    binding = bound(tmp_path, sql, list[Found], title=str)
    assert rules_at(findings(database, [binding])) == ["seq-scan 2:16", "needless-waiver 1:1"]
    database.execute("UPDATE pg_class SET reltuples = %s WHERE relname = 'tasks'", [LARGE_ROWS - 1])
    assert findings(database, [binding]) == []


SCAN = "SELECT id FROM tasks WHERE title = :title"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("-- Waives seq-scan on tasks: exports only.", []),
        ("-- Waives seq-scan on users: exports only.", ["seq-scan 2:16", "needless-waiver 1:1"]),
        ("-- Waives sort on tasks: exports only.", ["seq-scan 2:16", "needless-waiver 1:1"]),
        ("-- Waives seq-scan on task: exports only.", ["seq-scan 2:16", "needless-waiver 1:1"]),
        ("-- Waives seq-scan: exports only.", []),
        ("-- Waives seq-scan on tasks:", ["seq-scan 2:16", "waiver 1:1"]),
        ("-- Waives seq-scan, exports only.", ["seq-scan 2:16", "waiver 1:1"]),
        ("-- Waives seqscan on tasks: exports only.", ["seq-scan 2:16", "waiver 1:1"]),
    ],
)
def test_a_waiver(
    database: psycopg.Connection, tmp_path: Path, head: str, expected: list[str]
) -> None:
    binding = bound(tmp_path, f"{head}\n{SCAN}", list[Found], title=str)
    results = findings(database, [binding])
    assert rules_at(results) == expected
    kept = [finding for finding in results if finding.rule != "needless-waiver"]
    assert findings(database, [binding], live=True) == kept


def test_indexes_that_serve_nothing(database: psycopg.Connection, tmp_path: Path) -> None:
    database.execute('ALTER INDEX idx_tasks_user_id RENAME TO "Tasks of a user"')
    assert unused_indexes(database, MIGRATIONS) == []
    migration = tmp_path / f"{NEXT}.titles.sql"
    migration.write_text("-- titles\nCREATE INDEX idx_tasks_title ON tasks (title);\n")
    database.execute(migration.read_bytes())
    database.execute("DROP INDEX idx_messages_created_at")
    unused, needless = unused_indexes(database, tmp_path)
    assert (unused.rule, unused.path, unused.line_and_column) == (
        "unused-index",
        migration,
        (2, 14),
    )
    assert (needless.rule, needless.path) == ("needless-waiver", SQL / "indexes.sql")
    line = needless.path.read_text().splitlines()[needless.line_and_column[0] - 1]
    assert line.startswith("-- Waives unused-index on idx_messages_created_at: ")


def test_an_index_for_a_foreign_key_serves_it(database: psycopg.Connection, tmp_path: Path) -> None:
    database.execute("CREATE TABLE likes (at timestamptz, by text REFERENCES users)")
    database.execute("CREATE INDEX likes_by ON likes (by)")
    assert unused_indexes(database, MIGRATIONS) == []
    database.execute("CREATE INDEX likes_at ON likes (at, by)")
    assert [finding.rule for finding in unused_indexes(database, MIGRATIONS)] == ["unused-index"]


SHAPES = {
    "messages.history": "Limit > Index Scan using idx_messages_conversation_created on messages",
    "conversations.get_with_messages": "Sort > Nested Loop (Index Scan using conversations_pkey on"
    " conversations, Limit > Index Scan using idx_messages_conversation_created on messages)",
    "tasks.create": "stored: Index Scan using tasks_pkey on tasks; added: Insert on tasks"
    " > Index Only Scan using users_pkey on users",
    "users.delete": "Delete on users > Index Scan using users_pkey on users",
    "jsonl.clock": "",
}


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_shapes_are_the_same_on_each_version(
    database: psycopg.Connection, name: str, shape: str
) -> None:
    assert generic_plan(database, STATEMENTS[name].statement).shape == shape


def test_nothing_is_run_and_nothing_stays(database: psycopg.Connection, tmp_path: Path) -> None:
    delete = bound(tmp_path, "DELETE FROM users", int).statement
    before = database.execute("SELECT count(*) FROM users").fetchone()
    generic_plan(database, delete)
    custom_plan(database, delete, [])
    fault = bound(tmp_path, "SELECT 1 / :n::int AS id", list[Found], n=int).statement
    with pytest.raises(psycopg.errors.DivisionByZero):
        custom_plan(database, fault, [0])
    assert database.execute("SELECT count(*) FROM users").fetchone() == before
    assert database.execute("SELECT name FROM pg_prepared_statements").fetchall() == []
    assert database.execute("SHOW plan_cache_mode").fetchone() == ("auto",)


def test_a_text_is_sent_as_it_is(database: psycopg.Connection, tmp_path: Path) -> None:
    sql = "SELECT id FROM users WHERE id = :user_id || ' %s {} %% \\'"
    statement = bound(tmp_path, sql, list[Found], user_id=str).statement
    plan = custom_plan(database, statement, ["o'neil\\ $1 %s"])
    assert plan.nodes[-1]["Index Cond"].endswith(r"""o''neil\ $1 %s %s {} %% \'::text)""")


def test_a_populated_database_is_analysed_whole_and_vacuumed(database: psycopg.Connection) -> None:
    rows = database.execute(
        "SELECT reltuples, relallvisible = relpages FROM pg_class WHERE relname = ANY (%s)",
        [["users", "tasks", "conversations", "messages"]],
    ).fetchall()
    sampled = 300 * 100  # by default_statistics_target
    assert all(LARGE_ROWS < count <= sampled and visible for count, visible in rows)
