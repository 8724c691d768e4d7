"""migrations/LOCKS.md: what it says of a migration, and that it is known when it is stale."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dal.catalog.migrations import page
from dal.cli import catalog as command
from dal.cli.commands import app
from dal.migrate import Folder
from dal.paths import MIGRATIONS, SQL
from dal.project.dal_project import dal_project
from tests.migrations.database import LAST, NEXT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(MIGRATIONS, tmp_path / "migrations")


def row(dsn: str, folder: Path, up: str, down: str) -> tuple[list[str], list[str]]:
    """The cells for a migration and for its rollback."""
    (folder / f"{NEXT}.due.sql").write_text(up)
    (folder / f"{NEXT}.due.rollback.sql").write_text(down)
    *_, applied, undone = page(dsn, [Folder(folder)]).splitlines()
    return applied.split(" | ")[1:], undone.split(" | ")[1:]


def test_the_projects_own_says_the_same_on_this_server(empty_database: str) -> None:
    assert page(empty_database) == (MIGRATIONS / "LOCKS.md").read_text()


ON_TASKS = "SHARE UPDATE EXCLUSIVE on `tasks`"


@pytest.mark.parametrize(
    ("up", "down", "applied", "undone"),
    [
        (
            "-- due: when it must be done | or not.\n-- And so on.\n--\n-- More.\n"
            "ALTER TABLE tasks ADD due date;",
            "-- Back.\nALTER TABLE tasks DROP due;",
            [
                "due: when it must be done \\| or not. And so on.",
                "ACCESS EXCLUSIVE on `tasks`",
                "reads and writes",
                "nothing |",
            ],
            ["Back.", "ACCESS EXCLUSIVE on `tasks`", "reads and writes", "nothing |"],
        ),
        (
            f"-- depends: {LAST}\n--\n-- Wider.\n"
            "ALTER TABLE tasks ALTER description TYPE int USING 0;",
            "-- Back.\nSELECT;",
            ["Wider.", "ACCESS EXCLUSIVE on `tasks`", "reads and writes", "`tasks` |"],
            ["Back.", "none", "nothing", "nothing |"],
        ),
        (
            "-- Index.\nCREATE INDEX idx_due ON tasks (id);\nUPDATE users SET id = id;",
            "-- Back.\nSELECT FROM messages FOR UPDATE;",
            [
                "Index.",
                "SHARE on `tasks`<br>ROW EXCLUSIVE on `users`",
                "writes<br>other migrations",
            ],
            ["Back.", "ROW SHARE on `messages`", "other migrations", "nothing |"],
        ),
        (
            "-- transactional: false\n-- Index.\n"
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_due ON tasks (id);",
            "-- Back.\nDROP INDEX CONCURRENTLY IF EXISTS idx_due;",
            ["Index.", ON_TASKS, "other migrations, VACUUM", "nothing |"],
            ["Back.", ON_TASKS, "other migrations, VACUUM", "nothing |"],
        ),
    ],
)
def test_what_it_says(
    empty_database: str,
    folder: Path,
    up: str,
    down: str,
    applied: list[str],
    undone: list[str],
) -> None:
    up_cells, down_cells = row(empty_database, folder, up, down)
    assert up_cells[: len(applied)] == applied
    assert down_cells == undone


def test_a_stale_page_is_told_with_the_difference(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sql").mkdir()
    shutil.copy(SQL / "CATALOG.md", tmp_path / "sql")
    copied = replace(
        dal_project(), report_at=folder, statements=(tmp_path / "sql",), migrations=folder
    )
    monkeypatch.setattr(command, "projects", lambda: [copied])
    text = (folder / "LOCKS.md").read_text()
    (folder / "LOCKS.md").write_text(text.replace("SHARE ROW EXCLUSIVE on `users`", "none"))

    def run(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["catalog", *arguments])
        return result.exit_code, result.stdout, re.sub(r"\x1b\[[\d;]*m", "", result.stderr)

    code, out, stderr = run("--check", "--server", "16")
    assert (code, out) == (15, "sql/CATALOG.md is up to date\n")
    assert stderr.count("\n-| `000") == stderr.count("\n+| `000") == 2
    assert stderr.endswith("run dal catalog to rewrite it\n")
    assert run() == (0, "wrote migrations/LOCKS.md\nsql/CATALOG.md is up to date\n", "")
    assert (folder / "LOCKS.md").read_text() == text
    (tmp_path / "sql/CATALOG.md").write_text("old\n")
    assert run() == (0, "migrations/LOCKS.md is up to date\nwrote sql/CATALOG.md\n", "")
    assert (tmp_path / "sql/CATALOG.md").read_text() == (SQL / "CATALOG.md").read_text()
