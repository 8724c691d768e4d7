"""Each rule broken in a file of its own, found there and nowhere else.

The place of a finding is marked in the text: what follows `→`.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import sqlfluff

from dal.binding import Executor, Queries
from dal.binding.statement import read_statement
from dal.check.findings import Finding
from dal.check.project import OwnerColumns, Project
from dal.check.rules.files import files
from dal.check.rules.owner_columns import owner_columns
from dal.check.run import prove
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.paths import SQL
from dal.project.dal_project import dal_project
from dal.project.header_comments import opens_with_sentence
from dal.record import Record
from dal.source.header import Header
from dal.testing.server import Postgres

HEAD = "-- What it answers.\n-- Index: none.\n-- Locks: none.\n"


class Row(Record):
    id: str


@pytest.fixture(scope="module")
def catalog(dal_server: Postgres, dal_template: str) -> Iterator[Catalog]:
    """A migrated database, with a function outside of the search path; no test changes it."""
    url = dal_server.create(dal_template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE SCHEMA apart;"
            "CREATE FUNCTION apart.chance() RETURNS text LANGUAGE sql AS 'SELECT random()::text';"
            "CREATE TABLE apart.messages (LIKE public.messages);"
            "CREATE VIEW counted AS SELECT count(*) AS messages FROM public.messages;"
            "CREATE VIEW open_tasks AS SELECT t.user_id, t.title, u.id AS name FROM tasks AS t"
            " JOIN users AS u ON u.id = t.user_id WHERE NOT t.completed;"
            "CREATE VIEW mixed AS SELECT m.user_id, t.title FROM messages AS m, tasks AS t;"
            "CREATE VIEW ranked AS SELECT user_id, first_value(title) OVER (ORDER BY id) AS title"
            " FROM tasks;"
            "CREATE VIEW chanced AS SELECT user_id, apart.chance() AS title FROM tasks;"
            "CREATE VIEW anybodys AS SELECT 'ada' AS user_id, title FROM tasks;"
            "CREATE VIEW either AS SELECT user_id FROM tasks UNION SELECT user_id FROM messages"
        )
        yield Catalog(connection, [dal_project()])
    dal_server.drop(url)


def bind(folder: Path, file: str, returns: Any) -> Queries:
    """Bind a stub with the file's own parameters."""
    names = read_statement(folder, file).parameters

    async def stub(db: Executor, **arguments: str) -> Any:
        raise NotImplementedError

    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("db", kinds[0]),
        *(inspect.Parameter(name, kinds[1], annotation=str) for name in names),
    ]
    stub.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    stub.__annotations__ = dict.fromkeys(names, str) | {"return": returns}
    queries = Queries(folder)
    queries(file)(stub)
    return queries


# Rules that have tests of their own.
ELSEWHERE = (
    *("refused", "parameter-type", "column-type", "json", "missing-column", "fetch-mode"),
    *("extra-column", "nullable", "one-shard", "refused-by-citus"),
)


def findings_and_marks(
    catalog: Catalog, folder: Path, marked: str, returns: Any
) -> tuple[list[Finding], list[tuple[int, int]]]:
    """The findings in a text, and the line and column of each of its marks."""
    *before, rest = marked.split("→")
    places, text = [], ""
    for part in before:
        text += part
        places.append((text.count("\n") + 1, len(text) - text.rfind("\n")))
    (folder / "some").mkdir()
    (folder / "some" / "file.sql").write_text(text + rest)
    [binding] = bind(folder, "some/file.sql", returns).bindings
    findings = [
        finding
        for finding in prove(BoundStatement(binding, catalog), catalog)
        if finding.rule not in ELSEWHERE
    ]
    return sorted(findings, key=lambda finding: finding.offset or 0), places


def assert_found(catalog: Catalog, folder: Path, rule: str, text: str, returns: Any = None) -> None:
    findings, places = findings_and_marks(catalog, folder, text, returns)
    assert [(finding.rule, finding.line_and_column) for finding in findings] == [
        (rule, place) for place in places
    ]
    assert all(finding.offset is not None for finding in findings)


@pytest.mark.parametrize(
    "text",
    [
        "→SELECT 1",
        "→-- Index: none.\n-- Locks: none.\nSELECT 1",
        "→-- no sentence\n-- Index: none.\n-- Locks: none.\nSELECT 1",
        "→-- An answer.\n-- Index: none.\nSELECT 1",
        "→-- An answer.\n-- Locks: none.\nSELECT 1",
        "-- An answer.\n→-- Index:\n-- Locks: none.\nSELECT 1",
        "→-- An answer.\n-- Index: none.\nSELECT 1 -- Locks: none.",
    ],
)
def test_header_comments(catalog: Catalog, tmp_path: Path, text: str) -> None:
    findings, places = findings_and_marks(catalog, tmp_path, text, None)
    assert {(finding.rule, finding.line_and_column) for finding in findings} == {
        ("header-comment", place) for place in places
    }
    assert len(findings) == (3 if text.endswith("→SELECT 1") else 1)


def test_files_without_a_stub(catalog: Catalog, tmp_path: Path) -> None:
    for name in ("grants.sql", "tasks/gone.sql"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("SELECT 1")
    project = Project(tmp_path, (tmp_path,), needs_no_stub=lambda path: path.parent == tmp_path)
    findings = files([], Catalog(catalog.connection, [project]))
    assert [(finding.rule, finding.path.name) for finding in findings] == [
        ("orphan-file", "gone.sql")
    ]


def test_a_bound_file_may_be_a_link(catalog: Catalog, tmp_path: Path) -> None:
    real, link = tmp_path / "real.sql", tmp_path / "sql/get.sql"
    link.parent.mkdir()
    real.write_text("SELECT 1")
    link.symlink_to(real)
    bound: Any = SimpleNamespace(path=link)
    project = Project(tmp_path, (link.parent,))
    assert [*files([bound], Catalog(catalog.connection, [project]))] == []


def test_owners_that_no_table_has(catalog: Catalog, tmp_path: Path) -> None:
    by_table = {"tasks": "owner", "tusks": "user_id", "users": None}
    typos = Project(tmp_path, owner=OwnerColumns("userid", by_table))
    findings = owner_columns([], Catalog(catalog.connection, [typos]))
    assert [(finding.rule, finding.object) for finding in findings] == [
        ("owner-column", "userid"),
        ("owner-column", "tasks"),
        ("owner-column", "tusks"),
    ]
    right = Project(tmp_path, owner=OwnerColumns("user_id", {"users": "id", "tasks": None}))
    assert list(owner_columns([], Catalog(catalog.connection, [dal_project(), right]))) == []


def test_a_view_has_no_owner_of_its_own(catalog: Catalog, tmp_path: Path) -> None:
    project = Project(tmp_path, owner=OwnerColumns("user_id", {"open_tasks": None}))
    (finding,) = owner_columns([], Catalog(catalog.connection, [project]))
    assert (finding.rule, finding.object) == ("owner-column", "open_tasks")
    assert "is a view" in finding.message


def test_dals_tables_keep_their_owner(catalog: Catalog, tmp_path: Path) -> None:
    claimed = Project(tmp_path, owner=OwnerColumns("account", {"tasks": None, "invoices": "payer"}))
    both = Catalog(catalog.connection, [dal_project(), claimed])
    assert both.owner("tasks", ["user_id", "account"]) == "user_id"
    assert both.owner("users", ["id", "account"]) == "id"
    assert both.owner("invoices", ["payer", "account"]) == "payer"
    assert both.owner("orders", ["account", "user_id"]) == "account"
    assert both.owner("orders", ["user_id"]) is None


@pytest.mark.parametrize("path", sorted(SQL.glob("*.sql")), ids=lambda path: path.name)
def test_files_that_people_run_open_with_a_sentence(path: Path) -> None:
    assert opens_with_sentence(Header.read(path))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT →* FROM tasks WHERE user_id = :user_id",
        "SELECT t.→* FROM tasks AS t WHERE user_id = :user_id",
        "SELECT 1 FROM (SELECT →* FROM tasks WHERE user_id = :user_id) AS t",
        "DELETE FROM tasks WHERE user_id = :user_id RETURNING →*",
        "SELECT count(*), 2 * 3 FROM tasks WHERE user_id = :user_id",
        # Of what the statement itself names, a star is the columns that are written there.
        "WITH mine AS (SELECT id FROM tasks WHERE user_id = :user_id) SELECT *, 1 FROM mine",
        "WITH mine AS (SELECT id FROM tasks WHERE user_id = :user_id), ids AS (SELECT * FROM mine)"
        ' SELECT "I".* FROM ids AS "I"',
        "SELECT * FROM (SELECT id FROM tasks WHERE user_id = :user_id) AS t",
        "WITH mine AS (SELECT id FROM tasks WHERE user_id = :user_id)"
        " SELECT id FROM (SELECT * FROM mine) AS m UNION ALL SELECT * FROM mine",
        "SELECT l.* FROM users AS u"
        " CROSS JOIN LATERAL (SELECT id FROM tasks WHERE user_id = u.id) AS l"
        " WHERE u.id = :user_id",
        "SELECT →* FROM users AS u"
        " JOIN (SELECT user_id FROM tasks WHERE user_id = :user_id) AS t ON t.user_id = u.id"
        " WHERE u.id = :user_id",
        "WITH t AS (SELECT id FROM tasks WHERE user_id = :user_id)"
        " SELECT u.→* FROM t, users AS u WHERE u.id = :user_id",
        # These names are the tables', not the CTEs'.
        "WITH tasks AS (SELECT →* FROM tasks WHERE user_id = :user_id) SELECT id FROM tasks",
        "WITH first AS (SELECT →* FROM tasks WHERE user_id = :user_id),"
        " tasks AS (SELECT id FROM first) SELECT id FROM tasks",
        "WITH tasks AS (SELECT 1 AS id)"
        " SELECT →* FROM public.tasks WHERE user_id = :user_id AND EXISTS (SELECT FROM tasks)",
        "WITH gone AS (DELETE FROM tasks WHERE user_id = :user_id RETURNING →*) SELECT * FROM gone",
        "SELECT (x).→* FROM (SELECT tasks AS x FROM tasks WHERE user_id = :user_id) AS y",
    ],
)
def test_stars(catalog: Catalog, tmp_path: Path, statement: str) -> None:
    assert_found(catalog, tmp_path, "star", HEAD + statement)


MINE = "SELECT id FROM tasks WHERE user_id = :user_id"


@pytest.mark.parametrize(
    "statement",
    [
        MINE + " AND (→:title::text IS NULL OR title = :title::text)",
        MINE + " AND (title = :title::text OR →:title::text IS NULL)",
        MINE + " AND (title = :title::text OR (→:every::boolean))",
        MINE + " AND (title = ANY(:titles::text[]) OR →:titles::text[] IS NULL)",
        MINE + " AND →coalesce(:title::text, title) = title",
        MINE + " AND title = →coalesce(:title, title)",
        "SELECT t.id FROM tasks AS t JOIN users AS u"
        " ON u.id = t.user_id AND (→:title::text IS NULL OR t.title = :title)"
        " WHERE t.user_id = :user_id",
        MINE + " AND (title = :title OR description = :title)",
        MINE + " AND created_at < coalesce(:before::timestamptz, 'infinity')",
        "UPDATE tasks SET title = CASE WHEN :title::text IS NULL OR :keep::boolean"
        " THEN title ELSE :title END WHERE user_id = :user_id",
    ],
)
def test_optional_filters(catalog: Catalog, tmp_path: Path, statement: str) -> None:
    assert_found(catalog, tmp_path, "optional-filter", HEAD + statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM →tasks WHERE id = :id::uuid",
        "SELECT id FROM →users",
        "SELECT t.id FROM →tasks AS t WHERE lower(t.user_id) = :user_id",
        "SELECT id FROM →tasks WHERE user_id = user_id",
        "SELECT id FROM →tasks WHERE user_id <> :user_id",
        "SELECT id FROM →tasks WHERE user_id = :user_id OR completed",
        "SELECT id FROM →tasks WHERE user_id = 'ada'",
        "DELETE FROM →tasks WHERE id = :id::uuid",
        "UPDATE →tasks SET completed = false WHERE id = :id::uuid",
        # A join filters both sides; an outer one only the side that may be missing.
        "SELECT m.id FROM conversations AS c JOIN messages AS m ON m.user_id = c.user_id"
        " WHERE c.user_id = :user_id",
        "SELECT m.id FROM conversations AS c JOIN →messages AS m ON m.conversation_id = c.id"
        " WHERE c.user_id = :user_id",
        "SELECT c.id FROM conversations AS c LEFT JOIN messages AS m ON m.user_id = c.user_id"
        " WHERE c.user_id = :user_id",
        "SELECT c.id FROM →conversations AS c LEFT JOIN messages AS m"
        " ON m.user_id = :user_id AND c.user_id = :user_id",
        "SELECT c.id FROM conversations AS c RIGHT JOIN →messages AS m"
        " ON m.user_id = :user_id AND c.user_id = :user_id",
        "SELECT 1 FROM →conversations AS c FULL JOIN →messages AS m"
        " ON m.user_id = c.user_id AND m.user_id = :user_id",
        "SELECT 1 FROM conversations AS c JOIN messages AS m USING (user_id)"
        " WHERE c.user_id = :user_id",
        # Two that are equal to each other, and to nothing that is given.
        "SELECT 1 FROM →conversations AS c JOIN →messages AS m ON m.user_id = c.user_id",
        "SELECT id FROM tasks WHERE (user_id, id) = (:user_id, :id::uuid)",
        "SELECT id FROM tasks WHERE user_id = (SELECT :user_id)",
        "SELECT id FROM tasks WHERE user_id = ANY(:user_ids::text[])",
        "SELECT id FROM tasks WHERE user_id = ANY (ARRAY[:user_id::text])",
        "SELECT 1 FROM unnest(:user_ids::text[]) AS given (user_id)"
        " JOIN tasks AS t ON t.user_id = given.user_id",
        # What comes out of a CTE or a subselect is as good as what went in.
        "WITH mine AS (SELECT user_id AS whose FROM users JOIN tasks ON user_id = users.id"
        " WHERE users.id = :user_id) SELECT 1 FROM mine JOIN messages AS m ON m.user_id = whose",
        "WITH every AS (SELECT user_id FROM →tasks)"
        " SELECT 1 FROM every JOIN →messages AS m ON m.user_id = every.user_id",
        "WITH two AS (SELECT user_id FROM tasks WHERE user_id = :user_id"
        " UNION ALL SELECT title FROM tasks WHERE user_id = :user_id)"
        " SELECT 1 FROM two JOIN →messages AS m ON m.user_id = two.user_id",
        "SELECT 1 FROM (SELECT user_id FROM tasks WHERE user_id = :user_id) AS t,"
        " LATERAL (SELECT 1 FROM messages WHERE user_id = t.user_id) AS m",
        "WITH tasks AS (SELECT 1 AS id) SELECT id FROM tasks",
        "SELECT EXISTS (SELECT FROM →tasks AS t WHERE t.id = u.id::uuid)"
        " FROM users AS u WHERE u.id = :user_id",
        # A subselect's condition does not filter what is outside of it.
        "SELECT 1 FROM →users AS u WHERE EXISTS (SELECT FROM tasks AS t"
        " WHERE t.user_id = :user_id AND u.id = :user_id)",
        "INSERT INTO tasks (user_id, title) VALUES (:user_id, 'a'), (:user_id, 'b')",
        "INSERT INTO →tasks (user_id, title) VALUES (:user_id, 'a'), ('bob', 'b')",
        "INSERT INTO →tasks (title, user_id) SELECT :user_id::text, title FROM tasks"
        " WHERE user_id = :user_id",
        "INSERT INTO →tasks (title) SELECT 'a'",
        "INSERT INTO users (id) SELECT :id ON CONFLICT (id) DO UPDATE SET id = excluded.id",
        "INSERT INTO tasks (user_id, title) VALUES (:user_id, (SELECT title FROM →tasks LIMIT 1))",
        "SELECT one.id FROM unnest((SELECT array_agg(id) FROM →tasks)) AS one (id)",
        "SELECT c.id FROM (→conversations AS c JOIN →messages AS m ON m.user_id = c.user_id)",
        "MERGE INTO →tasks AS t USING →users AS u ON t.user_id = u.id WHEN MATCHED THEN DELETE",
        # Identifiers are folded.
        "SELECT id FROM →Tasks",
        "DELETE FROM →TASKS",
        'SELECT id FROM →"tasks"',
        "SELECT T.id FROM tasks AS t WHERE T.User_ID = :user_id",
        'SELECT "T".id FROM →tasks AS "T", tasks AS t WHERE t.user_id = :user_id',
        'WITH "Tasks" AS (SELECT 1 AS id) SELECT id FROM →tasks',
        "WITH Mine AS (SELECT user_id FROM tasks WHERE user_id = :user_id)"
        " SELECT 1 FROM mine JOIN messages AS m ON m.user_id = MINE.user_id",
        # Another name for another column.
        "SELECT t.title FROM →tasks AS t (user_id, owner) WHERE t.user_id = :id::uuid",
        "SELECT t.title FROM tasks AS t (id, owner) WHERE t.owner = :user_id",
        # A comma binds less than JOIN, and the target of a write is no side of a join.
        "DELETE FROM →messages AS m USING conversations AS c JOIN tasks AS t USING (user_id)"
        " WHERE c.user_id = :user_id",
        "UPDATE →messages AS m SET role = 'user' FROM conversations AS c"
        " JOIN tasks AS t USING (user_id) WHERE c.user_id = :user_id",
        "SELECT 1 FROM →messages AS m, conversations AS c JOIN tasks AS t USING (user_id)"
        " WHERE c.user_id = :user_id",
        "SELECT 1 FROM →messages AS m, conversations AS c JOIN tasks AS t ON t.user_id = c.user_id"
        " WHERE c.user_id = :user_id",
        # USING takes the column that an outer join before it has kept.
        "SELECT 1 FROM →conversations AS c"
        " LEFT JOIN messages AS m ON m.user_id = c.user_id AND m.user_id = :user_id"
        " JOIN →tasks AS t ON t.user_id = c.user_id",
        "SELECT 1 FROM →conversations AS c LEFT JOIN (SELECT user_id FROM messages"
        " WHERE user_id = :user_id) AS m USING (user_id) JOIN →tasks AS t USING (user_id)",
        "SELECT 1 FROM conversations AS c JOIN messages AS m USING (user_id)"
        " JOIN tasks AS t USING (user_id) WHERE c.user_id = :user_id",
        "SELECT 1 FROM →conversations AS c NATURAL JOIN messages AS m WHERE m.user_id = :user_id",
        # A name means what is around it only where nothing nearer has it, before or after.
        "SELECT 1 FROM messages AS m WHERE m.user_id = :user_id AND EXISTS (SELECT"
        " FROM →conversations AS c, LATERAL (SELECT 1) AS one, →tasks AS m"
        " WHERE c.user_id = m.user_id)",
        "SELECT 1 FROM →messages AS m WHERE EXISTS (SELECT FROM →conversations AS c"
        " JOIN tasks AS t ON c.user_id = m.user_id AND t.user_id = :user_id, users AS m"
        " WHERE m.id = :user_id)",
        # A cast that cuts off makes unlike owners alike.
        "SELECT id FROM →tasks WHERE user_id = :user_id::varchar(3)",
        "SELECT id FROM →tasks WHERE user_id = :user_id::text::char",
        "SELECT id FROM →tasks WHERE user_id = :user_id::text::bigint::text",
        "SELECT id FROM →tasks WHERE user_id = :user_id::text::uuid::text",
        "SELECT id FROM tasks WHERE user_id = :user_id::bigint::text",
        "INSERT INTO →tasks AS t (user_id, title) VALUES (:user_id, 'a')"
        " ON CONFLICT ON CONSTRAINT tasks_pkey DO UPDATE SET title = 'b'",
        "SELECT id FROM →tasks WHERE user_id = ANY (:user_ids::varchar(3)[])",
        "SELECT m.id FROM tasks AS t JOIN →messages AS m ON m.user_id = t.user_id::varchar(3)"
        " WHERE t.user_id = :user_id",
        "SELECT id FROM tasks WHERE user_id = :user_id::varchar",
        "SELECT id FROM tasks WHERE user_id = ANY (:user_ids::text[])",
        "COPY →messages TO STDOUT",
        "SELECT id FROM →apart.messages",
        "SELECT id FROM apart.messages WHERE user_id = :user_id",
        # A row that is given away is another's then.
        "UPDATE →tasks SET user_id = 'bob' WHERE user_id = :user_id",
        "UPDATE →tasks SET (title, user_id) = (user_id, title) WHERE user_id = :user_id",
        "UPDATE tasks SET user_id = :other WHERE user_id = :user_id",
        "INSERT INTO →tasks AS t (user_id, title) VALUES (:user_id, 'a')"
        " ON CONFLICT (user_id, id) DO UPDATE SET user_id = t.title",
        "INSERT INTO tasks AS t (user_id, title) VALUES (:user_id, 'a')"
        " ON CONFLICT (User_Id, id) DO UPDATE SET title = 'b'",
    ],
)
def test_owners(catalog: Catalog, tmp_path: Path, statement: str) -> None:
    if "MERGE" in statement and catalog.connection.info.server_version < 150000:
        pytest.skip("MERGE is of PostgreSQL 15 and later")
    assert_found(catalog, tmp_path, "owner-filter", HEAD + statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT messages FROM →counted",
        "SELECT most_common_vals::text AS values FROM →pg_stats WHERE tablename = 'tasks'",
        "SELECT title FROM →mixed WHERE user_id = :user_id",
        "SELECT title FROM →ranked WHERE user_id = :user_id",
        "SELECT title FROM →chanced WHERE user_id = :user_id",
        "SELECT title FROM →anybodys WHERE user_id = :user_id",
        "SELECT user_id FROM →either WHERE user_id = :user_id",
        "SELECT →apart.chance() AS chance",
        "SELECT →query_to_xml(:query::text, true, true, '')::text AS xml",
        "SELECT →table_to_xml('messages', true, true, '')::text AS xml",
        "→REFRESH MATERIALIZED VIEW counted",
        "→LOCK TABLE messages",
    ],
)
def test_what_is_not_proven(catalog: Catalog, tmp_path: Path, statement: str) -> None:
    findings, places = findings_and_marks(catalog, tmp_path, HEAD + statement, None)
    assert {
        (finding.rule, finding.line_and_column)
        for finding in findings
        if finding.rule != "volatile-in-update"
    } == {("not-proven", places[0])}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT relname FROM pg_class WHERE relname = :name",
        "SELECT relname FROM pg_catalog.pg_class WHERE relname = :name",
        "SELECT id FROM public.tasks WHERE user_id = :user_id",
        "SELECT n FROM generate_series(1, :count::integer) AS n",
        "SELECT t.id FROM tasks AS t WHERE t.user_id = :user_id FOR UPDATE OF t",
        "SELECT title, name FROM open_tasks WHERE user_id = :user_id",
    ],
)
def test_what_is_proven(catalog: Catalog, tmp_path: Path, statement: str) -> None:
    assert findings_and_marks(catalog, tmp_path, HEAD + statement, None) == ([], [])


@pytest.mark.parametrize(
    "assignment",
    [
        "created_at = →clock_timestamp()",
        "id = →gen_random_uuid()",
        "title = →random()::text",
        "title = pg_catalog.→random()::text",
        "created_at = updated_at →+ interval '1 second'",
        "created_at = updated_at →+ '1 second'",
        "created_at = interval '1 second' →+ updated_at",
        "created_at = (updated_at AT TIME ZONE 'UTC' + interval '1 second') AT TIME ZONE 'UTC'",
        "created_at = →date_trunc('day', updated_at)",
        "created_at = date_trunc('day', updated_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'",
        "title = →extract(day FROM updated_at)::text",
        "title = →to_char(updated_at, 'YYYY')",
        "title = updated_at→::text",
        "title = id::text",
        "title = →concat(title, 'a')",
        "title = title || 'a'",
        "title = title →|| 1",
        "completed = updated_at→::date →< created_at",
        "completed = updated_at < created_at",
        "completed = title LIKE 'a%'",
        "completed = (title, created_at) IS DISTINCT FROM (description, updated_at)",
        "completed = (title, created_at) →IS DISTINCT FROM (:title::text, :day::date)",
        "completed = title IN ('a', 'b')",
        "completed = title = ANY(:titles::text[])",
        "completed = updated_at BETWEEN created_at AND now()",
        "updated_at = now()",
        "updated_at = current_timestamp",
        "updated_at = greatest(now(), updated_at)",
        "updated_at = now() + interval '1 day'",
        "updated_at = coalesce(updated_at, →now())",
        "updated_at = CASE WHEN completed THEN updated_at ELSE →now() END",
        "updated_at = CASE WHEN completed THEN updated_at ELSE (SELECT now()) END",
        "updated_at = coalesce(updated_at, (SELECT now()))",
        "updated_at = (SELECT CASE WHEN true THEN →now() END)",
        "updated_at = CASE WHEN completed THEN updated_at ELSE →CURRENT_TIMESTAMP END",
        "title = (SELECT →to_char(u.created_at, 'YYYY') FROM users AS u WHERE u.id = :user_id)",
        "completed = (SELECT tasks.updated_at < u.created_at"
        " FROM users AS u WHERE u.id = :user_id)",
        "updated_at = (SELECT u.created_at →+ interval '1 day'"
        " FROM users AS u WHERE u.id = :user_id)",
    ],
)
def test_updates(catalog: Catalog, tmp_path: Path, assignment: str) -> None:
    statement = f"UPDATE tasks SET {assignment} WHERE user_id = :user_id"
    assert_found(catalog, tmp_path, "volatile-in-update", HEAD + statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO tasks AS t (user_id, title) SELECT :user_id, random()::text"
        " ON CONFLICT (user_id, id) DO UPDATE SET created_at = →clock_timestamp()",
        "INSERT INTO tasks AS t (user_id, title) SELECT :user_id, 'a'"
        " ON CONFLICT (user_id, id) DO UPDATE SET created_at = excluded.created_at →+ '1 day'",
        "WITH clock AS (SELECT clock_timestamp() AS now, interval '1 day' AS day),"
        " mine AS (SELECT id FROM tasks WHERE user_id = :user_id AND title = :title)"
        " UPDATE tasks AS t SET updated_at = clock.now →+ day"
        " FROM clock, mine WHERE t.user_id = :user_id AND t.id = mine.id",
        "WITH moved AS (UPDATE tasks SET updated_at = now() WHERE user_id = :user_id RETURNING id)"
        " SELECT random() FROM moved",
        "UPDATE tasks SET completed = false"
        " WHERE user_id = :user_id AND updated_at < →clock_timestamp()",
        "DELETE FROM tasks WHERE user_id = :user_id AND created_at < clock_timestamp()",
    ],
)
def test_updates_elsewhere(catalog: Catalog, tmp_path: Path, statement: str) -> None:
    assert_found(catalog, tmp_path, "volatile-in-update", HEAD + statement)


@pytest.mark.parametrize(
    ("text", "returns"),
    [
        (f"→{MINE}", list[Row]),
        (f"{MINE} ORDER BY id", list[Row]),
        (f"→SELECT id FROM ({MINE} ORDER BY id) AS page", list[Row]),
        (f"{MINE} UNION ALL {MINE} ORDER BY id", list[Row]),
        (MINE, Row | None),
        ("→DELETE FROM tasks WHERE user_id = :user_id RETURNING id", list[Row]),
    ],
)
def test_order(catalog: Catalog, tmp_path: Path, text: str, returns: Any) -> None:
    assert_found(catalog, tmp_path, "order", HEAD + text, returns)


# For sqlfluff, whose configuration is in pyproject.toml: faults of form alone.
FORM = f"""\
select t.id x, Coalesce(T.title, :limit) AS a
    , CASE WHEN completed THEN 1 ELSE NULL END AS b
FROM tasks u -- {"long" * 25}
WHERE title = NULL OR id != :id::INT"""
FAULTS = """
1 capitalisation.keywords
1 aliasing.column
1 capitalisation.functions
1 capitalisation.identifiers
2 layout.commas
2 structure.else_null
3 layout.long_lines
3 aliasing.table
3 aliasing.unused
4 convention.is_null
4 convention.not_equal
4 capitalisation.types
4 layout.end_of_file
"""


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (FORM, FAULTS.split("\n")[1:-1]),
        ("SELECT id FROM tasks LIMIT LIMIT\n", ["1 None"]),  # it can't be read
        ("SELECT id FROM tasks WHERE id = :id LIMIT :limit\n", []),
    ],
)
def test_form(text: str, faults: list[str]) -> None:
    violations = sqlfluff.lint(text, config_path=str(SQL.parent / "pyproject.toml"))
    assert [
        f"{violation['start_line_no']} {violation['name'] or None}" for violation in violations
    ] == faults
