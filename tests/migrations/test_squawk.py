"""squawk over the migrations: its findings, the exceptions it takes, and what if it is absent."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dal import migrate
from dal.cli.commands import app
from dal.migrate import Folder
from dal.paths import MIGRATIONS
from tests.migrations.database import NEXT, Add

APART = "-- transactional: false\n"


def findings(folder: Path) -> list[str]:
    """Place and rule of each."""
    return [
        str(problem).split(": ")[0] + " " + problem.problem.split(":")[0]
        for problem in migrate.squawk(Folder(folder))
    ]


def test_the_projects_own() -> None:
    assert findings(MIGRATIONS) == []


@pytest.mark.parametrize(
    ("up", "expected"),
    [
        ("ALTER TABLE tasks ADD COLUMN due timestamptz", []),
        (
            "SELECT 1;\nALTER TABLE tasks ALTER title SET NOT NULL",
            [f"{NEXT}.due.sql:2 adding-not-nullable-field"],
        ),
        (
            "CREATE INDEX idx_due ON tasks (title)",
            [f"{NEXT}.due.sql:1 require-concurrent-index-creation"],
        ),
        ("-- Waives ban-drop-column: nobody reads it.\nALTER TABLE tasks DROP COLUMN due", []),
        (
            "-- Waives ban-drop-column:\nALTER TABLE tasks DROP COLUMN due",
            [f"{NEXT}.due.sql:1 waiver", f"{NEXT}.due.sql:2 ban-drop-column"],
        ),
        (
            "-- Waives ban-drop-table: nobody reads it.\nALTER TABLE tasks ADD due timestamptz",
            [f"{NEXT}.due.sql:1 needless-waiver"],
        ),
        (
            "-- squawk-ignore ban-drop-column\nALTER TABLE tasks DROP COLUMN due",
            [f"{NEXT}.due.sql:1 waiver"],
        ),
        (APART + "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_due ON tasks (title)", []),
        # Outside a transaction a statement must bear repetition; inside it need not.
        (
            APART + "CREATE INDEX CONCURRENTLY idx_due ON tasks (title)",
            [f"{NEXT}.due.sql:2 prefer-robust-stmts"],
        ),
        ("CREATE TABLE due (at timestamptz", [f"{NEXT}.due.sql:1 syntax-error"]),
    ],
)
def test_a_finding(folder: Path, add: Add, up: str, expected: list[str]) -> None:
    add(f"{NEXT}.due", up)
    assert findings(folder) == expected


@pytest.mark.parametrize(
    ("up", "finding"),
    [
        ("ALTER TABLE tasks DROP COLUMN due", f"{NEXT}.due.sql:1: ban-drop-column: "),
        ("COMMIT", f"{NEXT}.due.sql:1: remove BEGIN, COMMIT and the like"),
    ],
)
def test_what_is_not_fit_is_not_frozen(folder: Path, add: Add, up: str, finding: str) -> None:
    before = (folder / "SHA256SUMS").read_text()
    add(f"{NEXT}.due", up)
    result = CliRunner().invoke(app, ["lint-migrations", "--freeze", "--folder", str(folder)])
    assert (result.exit_code, result.stdout) == (13, "")
    assert re.search(rf"^(\x1b\[\d+m)?{finding}", result.stderr)
    assert (folder / "SHA256SUMS").read_text() == before

    add(f"{NEXT}.due", "ALTER TABLE tasks ADD COLUMN due date")
    result = CliRunner().invoke(app, ["lint-migrations", "--freeze", "--folder", str(folder)])
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            f"froze {NEXT}.due.rollback.sql",
            f"froze {NEXT}.due.sql",
            "the migrations are fit to be run",
        ],
    )


def test_without_squawk_it_says_so_and_freezes_nothing(
    folder: Path, add: Add, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    command = ["lint-migrations", "--folder", str(folder)]
    result = CliRunner().invoke(app, command)
    assert (result.exit_code, result.stdout) == (0, "the migrations are fit to be run\n")
    assert "note: squawk is not installed" in result.stderr
    assert "pip install squawk-cli" in result.stderr
    add(f"{NEXT}.due", "ALTER TABLE tasks ADD COLUMN due date")
    result = CliRunner().invoke(app, [*command, "--freeze"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert "squawk is not installed" in result.stderr
    assert NEXT not in (folder / "SHA256SUMS").read_text()


def test_a_file_that_is_not_utf8_is_left_to_lint(folder: Path, add: Add) -> None:
    add(f"{NEXT}.due", "SELECT 1").write_bytes(b"-- \xff\nSELECT 1;\n")
    assert findings(folder) == []
    assert "is not UTF-8" in str(migrate.lint(Folder(folder)))


def test_the_command_says_how_to_waive(folder: Path, add: Add) -> None:
    add(f"{NEXT}.due", "CREATE INDEX idx_due ON tasks (title)")
    result = CliRunner().invoke(app, ["lint-migrations", "--folder", str(folder)])
    assert result.exit_code == 13
    assert "`-- Waives require-concurrent-index-creation: why.`" in result.stderr
