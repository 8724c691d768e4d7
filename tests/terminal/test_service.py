"""Commands in the folder of a service: what they say is about it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dal import paths
from dal.check.findings import Finding
from dal.check.project import Project
from dal.cli.commands import app
from dal.cli.findings import Format, show
from dal.migrate.folder import DAL
from dal.paths import SQL

Run = Callable[..., Result]
STORE = """
from pathlib import Path
from dal.binding import Executor, Queries

print("loading")
query = Queries(Path(__file__).parent / "sql")

@query("count.sql")
async def count(db: Executor) -> int:
    raise NotImplementedError
"""


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A service without dal's tables, as the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.dal]\nname = "habits"\ndal = false\nqueries = ["habits_store.store:query"]\n'
        'migrations = "migrations"\n'
    )
    package = tmp_path / "habits_store"
    (package / "sql").mkdir(parents=True)
    (package / "store.py").write_text(STORE)
    (package / "sql/count.sql").write_text(
        "-- Counts.\nSELECT count(*) FROM habits WHERE id = 1;\n"
    )
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/0001.habits.sql").write_text(
        "-- Habits.\n\nCREATE TABLE habits (id int PRIMARY KEY CHECK (false));\n"
    )
    (tmp_path / "migrations/0001.habits.rollback.sql").write_text("DROP TABLE habits;\n")
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("habits_store")]:
        del sys.modules[name]


@pytest.fixture
def run(service: Path, empty_database: str) -> Run:
    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(
            app, arguments, env={"DATABASE_URL": empty_database} | environment
        )

    return run


@pytest.mark.parametrize(
    "command",
    [
        *("orphans", "erase-user ada --yes", "archive", "purge --archived-for 90d", "stats"),
        *("import -", "export"),
    ],
)
def test_what_is_about_dals_tables(run: Run, command: str) -> None:
    done = run(*command.split())
    assert done.exit_code == 3
    name = command.split()[0]
    assert f"dal {name} is about dal's own tables, which habits leaves out" in done.stderr
    assert "dal = false in [tool.dal] of pyproject.toml" in done.stderr


def test_whose_migrations_are_not_applied(run: Run) -> None:
    done = run("rollback", "--yes")
    assert done.stdout == "nothing to do: none of habits's migrations is applied\n"


def test_where_pages_are_written(run: Run) -> None:
    assert "wrote habits_store/sql/CATALOG.md\n" in run("catalog").stdout


def test_what_a_module_prints_is_no_finding(run: Run) -> None:
    done = run("check", "--server", "18", "--json")
    assert json.loads(done.stdout) == []
    assert "loading\n" in done.stderr
    assert "note: habits: " in done.stderr
    assert "so scans of it are not judged" in done.stderr


@pytest.mark.parametrize("root", ["workspace", "git", "here"])
def test_paths_of_annotations(
    service: Path,
    root: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if root == "workspace":
        monkeypatch.setenv("GITHUB_WORKSPACE", str(service.parent))
    else:
        monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    if root == "git":
        (service.parent / ".git").touch()
    try:
        file = service / "habits_store/sql/count.sql"
        own = Project(service / "pyproject.toml", statements=(file.parent,), name="habits")
        finding = Finding("refused", file, None, "no", "yes")
        show([], [finding], [own], Format.GITHUB)
    finally:
        (service.parent / ".git").unlink(missing_ok=True)
    prefix = "" if root == "here" else f"{service.name}/"
    expected = f"::error file={prefix}habits_store/sql/count.sql,line=1,col=1,"
    assert capsys.readouterr().out.startswith(expected)


def test_an_annotation_of_what_is_installed(
    service: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.setattr(paths, "is_installed", lambda: True)
    dal = Project(SQL, statements=(SQL,), name=DAL)
    own = Project(service / "pyproject.toml", name="habits")
    finding = Finding("sort", SQL / "tasks/list_for_user.sql", 5, "it sorts", "add an index")
    show([], [finding], [dal, own], Format.GITHUB)
    assert capsys.readouterr().out == (
        "::error file=pyproject.toml,line=1,col=1,title=dal check sort::"
        "sql/tasks/list_for_user.sql: it sorts%0Ahelp: add an index\n"
    )
