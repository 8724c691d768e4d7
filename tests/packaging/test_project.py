"""A service with nothing but an installed wheel and `[tool.dal]`."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.migrations.database import LAST, NEXT
from tests.packaging.conftest import Run, running

OWN = ["todochat/0001.labels", "todochat/0002.reminders", "todochat/0003.reminders-due"]

BROKEN = '''
"""Each of these breaks another rule."""

from typing import Any
from uuid import UUID

from dal.binding import Executor
from pydantic import BaseModel

from todochat.store import Label, LabelName, UserId, query


class Titled(BaseModel):
    id: UUID
    title: str


class Count(BaseModel):
    labels: int


@query("broken/misspelt.sql")
async def misspelt(db: Executor, *, user_id: UserId) -> list[Label]: ...
@query("broken/nullable.sql")
async def nullable(db: Executor, *, user_id: UserId) -> list[Titled]: ...
@query("broken/parameter.sql")
async def parameter(db: Executor, *, user_id: UserId, label_id: int) -> Label | None: ...
@query("broken/owner.sql")
async def owner(db: Executor, *, label_id: UUID) -> Label | None: ...
@query("broken/dals_owner.sql")
async def dals_owner(db: Executor, *, id: UUID) -> Titled | None: ...
@query("broken/sort.sql")
async def sort(db: Executor, *, user_id: UserId) -> list[Label]: ...
@query("broken/star.sql")
async def star(db: Executor, *, user_id: UserId, label_id: UUID) -> Label | None: ...
@query("broken/optional.sql")
async def optional(db: Executor, *, user_id: UserId, name: str | None) -> list[Label]: ...
@query("broken/order.sql")
async def order(db: Executor, *, user_id: UserId) -> list[Label]: ...
@query("broken/column.sql")
async def column(db: Executor, *, user_id: UserId) -> Count: ...
@query("broken/scan.sql")
async def scan(db: Executor, *, user_id: UserId) -> list[Label]: ...
'''
STATEMENTS = {
    "misspelt": (
        "SELECT id, nmae, color FROM labels WHERE user_id = :user_id ORDER BY id",
        "refused",
    ),
    "nullable": (
        "SELECT l.id, t.title FROM labels AS l LEFT JOIN tasks AS t"
        " ON t.user_id = l.user_id AND t.id = l.id WHERE l.user_id = :user_id"
        " ORDER BY l.id LIMIT 5",
        "nullable",
    ),
    "parameter": (
        "SELECT id, name, color FROM labels WHERE user_id = :user_id AND id = :label_id",
        "parameter-type",
    ),
    "owner": ("SELECT id, name, color FROM labels WHERE id = :label_id", "owner-filter"),
    "dals_owner": ("SELECT id, title FROM tasks WHERE id = :id", "owner-filter"),
    "sort": (
        "SELECT id, name, color FROM labels WHERE user_id = :user_id ORDER BY color, id",
        "sort",
    ),
    "star": ("SELECT * FROM labels WHERE user_id = :user_id AND id = :label_id", "star"),
    "optional": (
        "SELECT id, name, color FROM labels WHERE user_id = :user_id"
        " AND (:name::text IS NULL OR name = :name) ORDER BY id LIMIT 5",
        "optional-filter",
    ),
    "order": ("SELECT id, name, color FROM labels WHERE user_id = :user_id LIMIT 5", "order"),
    "column": (
        "SELECT count(*)::text AS labels FROM labels WHERE user_id = :user_id",
        "column-type",
    ),
    "scan": (
        "SELECT id, name, color FROM labels WHERE lower(user_id) = :user_id"
        " AND user_id = user_id ORDER BY id LIMIT 5",
        "seq-scan",
    ),
}


@pytest.fixture
def service(copied: Callable[[str], Path]) -> Path:
    """A copy of the service, as the current directory."""
    return copied("todochat")


@pytest.fixture
def run(service: Path, empty_database: str) -> Run:
    """Runs a module of the installed dal, on an empty database."""
    return running(service, empty_database)


def applied(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return re.findall(r"^applied (\S+)", done.stdout, re.MULTILINE)


def row_counts(url: str) -> dict[str, int]:
    tables = """
        SELECT relname, format('SELECT count(*) FROM %I', relname)
        FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    """
    with psycopg.connect(url) as connection:
        counted = {name: connection.execute(query) for name, query in connection.execute(tables)}
        return {name: (rows.fetchone() or [0])[0] for name, rows in counted.items()}


def test_migrations(run: Run, service: Path) -> None:
    names = applied(run("dal", "migrate"))
    assert (names[-4:], names[0]) == ([LAST, *OWN], "0001.users")
    assert run("dal", "status").returncode == 0
    assert f"{LAST}, {OWN[-1]}" in run("dal", "ping").stdout

    undone = run("dal", "rollback", "--to", "0001", "--yes")
    assert re.findall(r"^rolled back (\S+)", undone.stdout, re.MULTILINE) == OWN[:0:-1]
    refused = run("dal", "rollback", "--to", "dal 0002", "--yes")
    assert refused.returncode == 13
    assert f"{OWN[0]} needs 0003.conversations: first roll back todochat's" in refused.stderr
    assert run("dal", "rollback", "--to", "dal 0003", "--yes").returncode == 0
    assert len(applied(run("dal", "migrate", "--to", "dal 0004"))) == 1
    assert applied(run("dal", "migrate"))[-2:] == OWN[1:]

    # From another folder, what is the service's is seen and left alone.
    listed = run("dal", "status", "--json", PYTHONSAFEPATH="1")
    assert [row["id"] for row in json.loads(listed.stdout)][-3:] == OWN
    (service / "pyproject.toml").unlink()
    assert run("dal", "status").returncode == 0
    refused = run("dal", "rollback", "--all", "--yes")
    assert (refused.returncode, OWN[0] in refused.stderr) == (13, True)

    (service / "pyproject.toml").write_text(
        '[project]\nname = "other"\n[tool.dal]\nmigrations = "m"'
    )
    assert "wrote" in run("dal", "new", "first").stdout
    text = (service / "m/0001.first.sql").read_text()
    assert text.startswith(f"-- depends: dal {LAST}\n--\n")


def test_a_copy_without_marks_is_adopted(run: Run, empty_database: str) -> None:
    assert run("dal", "migrate").returncode == 0
    with psycopg.connect(empty_database) as connection:
        connection.execute("DROP TABLE _yoyo_migration, _yoyo_log, _yoyo_version")
    marked = run("dal", "baseline", "0003", "--json")
    assert json.loads(marked.stdout)["marked"][-4:] == [LAST, *OWN]
    with psycopg.connect(empty_database) as connection:
        connection.execute("DROP TABLE _yoyo_migration, _yoyo_log, _yoyo_version")
        connection.execute("ALTER TABLE labels DROP COLUMN color")
    refused = run("dal", "baseline", "0003")
    assert (refused.returncode, "missing: labels column color" in refused.stderr) == (13, True)


def test_its_tests_pass(run: Run) -> None:
    done = run("pytest", "-q", "-p", "no:cacheprovider")
    assert (done.returncode, "3 passed" in done.stdout) == (0, True), done.stdout


def test_it_is_proven_and_each_breakage_is_found(run: Run, service: Path) -> None:
    proven = run("dal", "check", "--server", "18")
    assert (proven.returncode, proven.stderr) == (0, "")
    assert "12 statements of todochat" in proven.stdout

    folder = service / "todochat/sql/broken"
    folder.mkdir()
    for name, (sql, _) in STATEMENTS.items():
        (folder / f"{name}.sql").write_text(f"-- What breaks a rule.\n{sql};\n")
    (folder / "orphan.sql").write_text("-- Nobody calls it.\nSELECT 1;\n")
    (service / "todochat/broken.py").write_text(BROKEN)
    with (service / "todochat/store.py").open("a") as store:
        store.write("\nfrom todochat import broken\n")
    migrations = service / "migrations"
    (migrations / "0004.notes.sql").write_text(
        "-- Notes.\nCREATE TABLE notes (user_id text, id int PRIMARY KEY, label_id uuid,"
        " FOREIGN KEY (user_id, label_id) REFERENCES labels);\n"
    )
    (migrations / "0004.notes.rollback.sql").write_text("DROP TABLE notes;\n")

    done = run("dal", "check", "--server", "18", "--json")
    assert done.returncode == 16, done.stderr
    findings = json.loads(done.stdout)
    assert {finding["project"] for finding in findings} == {"todochat"}
    places = {(Path(finding["file"]).stem, finding["rule"]) for finding in findings}
    expected = {(name, rule) for name, (_, rule) in STATEMENTS.items()}
    assert places >= {*expected, ("orphan", "orphan-file"), ("0004.notes", "foreign-key-index")}
    assert {name for name, _ in places} == {*STATEMENTS, "orphan", "0004.notes"}
    [note] = [finding for finding in findings if finding["rule"] == "foreign-key-index"]
    assert (note["line"], note["column"]) == (2, 14)

    annotated = run("dal", "check", "--server", "18", "--format", "github").stdout
    place = "file=todochat/sql/broken/misspelt.sql,line=2,col=12,title=dal check refused::"
    assert f"::error {place}" in annotated


def test_a_migration_that_breaks_dals_statements(run: Run, service: Path) -> None:
    migrations = service / "migrations"
    (migrations / "0004.slow.sql").write_text("-- Slow.\n\nDROP INDEX idx_tasks_user_id;\n")
    (migrations / "0004.slow.rollback.sql").write_text(
        "CREATE INDEX idx_tasks_user_id ON tasks (user_id, created_at DESC, id DESC);\n"
    )
    done = run("dal", "check", "--server", "18", "--json")
    assert done.returncode == 16, done.stderr
    findings = json.loads(done.stdout)
    assert {finding["project"] for finding in findings} == {"dal"}
    assert ("sort", "list_for_user.sql") in {
        (finding["rule"], Path(finding["file"]).name) for finding in findings
    }
    done = run("dal", "check", "--server", "18", "--format", "github", GITHUB_WORKSPACE="..")
    assert done.returncode == 16
    assert "In dal's own statements: has its schema been changed?" in done.stderr
    annotations = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
    assert len(annotations) == len(findings)
    place = "::error file=todochat/pyproject.toml,line=1,col=1,"
    assert all(line.startswith(place) and "::sql/" in line for line in annotations)


def test_nothing_is_written_to_a_live_database(run: Run, empty_database: str) -> None:
    assert run("dal", "migrate").returncode == 0
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO users (id) VALUES ('ada')")
        connection.execute("INSERT INTO labels (user_id, name) VALUES ('ada', 'home')")
    before = row_counts(empty_database)
    assert (before["labels"], before["reminders"]) == (1, 0)
    done = run("dal", "check")
    assert (done.returncode, "the database of DATABASE_URL" in done.stdout) == (0, True), (
        done.stderr
    )
    assert row_counts(empty_database) == before
    explain = ("dal", "explain", "reminders.search", "--user-id", "ada")
    for options, text in (((), "sent_at"), (("--unsent", "true"), "sent_at IS NULL")):
        plan = run(*explain, *options)
        assert plan.returncode == 0, plan.stderr
        assert (text in plan.stdout) == bool(options), plan.stdout
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE payroll (amount int)")
    granted = run("dal", "grants", "--role", "todo app").stdout
    assert '-- GRANT SELECT, INSERT, UPDATE, DELETE ON "payroll"' in granted
    assert 'GRANT SELECT, INSERT, UPDATE, DELETE ON "labels" TO "todo app";' in granted
    assert 'ON conversations TO "todo app"' in granted.replace("\n    ", " ")


@pytest.mark.parametrize("first", ["dal", "todochat"])
def test_a_later_dal(run: Run, service: Path, elsewhere: Path, tmp_path: Path, first: str) -> None:
    """dal is upgraded under the service: before the service's next release, or after it."""
    assert len(applied(run("dal", "migrate"))) == int(LAST[:4]) + 3
    later = shutil.copytree(elsewhere, tmp_path / "later")
    migration = later / f"dal/migrations/{NEXT}.later.sql"
    migration.write_text("-- One more.\n\nALTER TABLE tasks ADD COLUMN later int;\n")
    migration.with_suffix(".rollback.sql").write_text("ALTER TABLE tasks DROP COLUMN later;\n")
    sums = "".join(
        subprocess.check_output(["sha256sum", path.name], cwd=path.parent, text=True)
        for path in (migration, migration.with_suffix(".rollback.sql"))
    )
    with (migration.parent / "SHA256SUMS").open("a") as manifest:
        manifest.write(sums)

    def release() -> None:
        (service / "migrations/0004.more.sql").write_text(
            "-- More.\n\nALTER TABLE labels ADD COLUMN more bigint;\n"
        )
        (service / "migrations/0004.more.rollback.sql").write_text(
            "ALTER TABLE labels DROP COLUMN more;\n"
        )
        froze = run("dal", "lint-migrations", "--freeze")
        assert froze.returncode == 0, froze.stderr

    if first == "todochat":
        release()
        assert applied(run("dal", "migrate")) == ["todochat/0004.more"]
        assert applied(run("dal", "migrate", PYTHONPATH=str(later))) == [f"{NEXT}.later"]
    else:
        assert applied(run("dal", "migrate", PYTHONPATH=str(later))) == [f"{NEXT}.later"]
        # The service's next release still brings the dal of before.
        refused = run("dal", "migrate")
        assert (refused.returncode, f"{NEXT}.later: applied, but" in refused.stderr) == (13, True)
        release()
        assert applied(run("dal", "migrate", PYTHONPATH=str(later))) == ["todochat/0004.more"]
    assert run("dal", "status", PYTHONPATH=str(later)).returncode == 0
