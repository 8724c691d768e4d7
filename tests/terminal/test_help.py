"""What help shows: groups, options and exit statuses, at 80 columns, in colour and in a pipe."""

import re
import subprocess
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest
import typer.main
import typer.rich_utils
from typer.testing import CliRunner

from dal.cli.app import Group
from dal.cli.commands import app
from dal.cli.statuses import ExitStatus
from tests.commands import ALONE, CALLS, WITH_OWN_SERVER
from tests.terminal.screen import CHECKOUT, in_pipes, on_terminal, plain

COMMANDS = {
    "Use": ["demo", "ping"],
    "Deploy": ["migrate", "status", "rollback", "baseline", "grants", "distribute"],
    "Data": ["import", "export"],
    "Prove": ["check", "sql", "explain"],
    "Maintain": ["stats", "archive", "purge", "erase-user", "orphans"],
    "Develop": ["new", "lint-migrations", "catalog"],
}
EVERY = [name for names in COMMANDS.values() for name in names]
# Those whose output is what they are called for.
NEVER_QUIET = {"demo", "export", "sql", "explain", "stats", "grants"}
WITHOUT_JSON = {"demo", "export", "new", "catalog", "grants"}


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(typer.rich_utils, "FORCE_TERMINAL", False)


def help_of(*command: str) -> list[str]:
    result = CliRunner().invoke(app, [*command, "-h"])
    assert (result.exit_code, result.stderr) == (0, "")
    return [line.rstrip() for line in result.stdout.splitlines()]


def groups(lines: list[str]) -> dict[str, list[str]]:
    """The rows of each panel, by its title."""
    rows_of: dict[str, list[str]] = {}
    rows: list[str] = []
    for line in lines:
        if title := re.match(r"╭─ ([\w ]+) ─+╮", line):
            rows = rows_of.setdefault(title[1], [])
        elif line.startswith("│"):
            rows.append(line.strip("│").rstrip())
    return rows_of


def test_commands_are_in_groups_a_line_each() -> None:
    by_title = groups(help_of())
    del by_title["Options"]
    assert list(by_title) == [group.value for group in Group]
    assert {group: [row.split()[0] for row in rows] for group, rows in by_title.items()} == COMMANDS


def test_each_command_is_in_the_file_of_its_name() -> None:
    hidden = {"mark": "baseline"}
    for info in app.registered_commands:
        assert info.name
        assert info.callback
        file = hidden.get(info.name, info.name).replace("-", "_")
        assert info.callback.__module__.rpartition(".")[2] in (file, f"{file}_")
    assert {info.name for info in app.registered_commands} == {*EVERY, *hidden}
    assert {*EVERY} == {*CALLS, *WITH_OWN_SERVER, *ALONE}


def test_each_command_is_on_a_page() -> None:
    folders = [CHECKOUT, *(CHECKOUT / name for name in ("dal", "sql", "migrations"))]
    pages = "".join((folder / "README.md").read_text(encoding="utf-8") for folder in folders)
    named = re.findall(r"\b(?:dal|make) ([a-z-]+)", pages)
    assert {*EVERY} - {*named} == set()


@pytest.mark.parametrize("command", ["", *EVERY])
def test_help_fits_and_wraps_at_80_columns(command: str) -> None:
    lines = help_of(*command.split())
    assert max(map(len, lines)) <= 80
    text = lines[: next(number for number, line in enumerate(lines) if line.startswith("╭"))]
    for line, following in pairwise(text):
        if line.strip() and following.strip():  # the next word would not have fitted
            assert len(line) + 1 + len(following.split()[0]) > 79, line


@pytest.mark.parametrize("command", EVERY)
def test_colour_changes_nothing_else(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without = help_of(command)
    monkeypatch.setattr(typer.rich_utils, "FORCE_TERMINAL", True)
    monkeypatch.setenv("TERM", "xterm-256color")
    with_colour = CliRunner().invoke(app, [command, "-h"], color=True).stdout
    assert "\x1b[" in with_colour
    assert [line.rstrip() for line in plain(with_colour).splitlines()] == without


def test_on_a_terminal_and_in_a_pipe() -> None:
    shown = on_terminal("--help")
    assert (shown.status, "\x1b[" in shown.screen) == (0, True)
    assert max(len(line) for line in plain(shown.screen).splitlines()) <= 80
    piped = in_pipes("-h", environment={"COLUMNS": "80"})
    assert (piped.returncode, "\x1b" in piped.stdout, piped.stderr) == (0, False, "")
    assert piped.stdout.split() == plain(shown.screen).split()


def test_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"dal {version('dal-chat-memory')}\n")


def listed(lines: list[str]) -> list[tuple[int, str]]:
    """The exit statuses of a help."""
    start = lines.index(" Exit statuses:")
    rows = (re.fullmatch(r" +(\d+)  (.+)", line) for line in lines[start + 1 :])
    return [(int(row[1]), row[2]) for row in rows if row]


@pytest.mark.parametrize("command", ["", *EVERY])
def test_exit_statuses_are_a_list(command: str) -> None:
    statuses = listed(help_of(*command.split()))
    assert [status for status, _ in statuses][:2] == [0, 1]
    meanings = {int(status): status.meaning for status in ExitStatus}
    assert {status: meanings[status] for status, _ in statuses} == dict(statuses)
    assert statuses == sorted(statuses)


def test_each_exit_status_is_somewhere_in_help() -> None:
    statuses = {
        status for command in ["", *EVERY] for status, _ in listed(help_of(*command.split()))
    }
    assert statuses == set(ExitStatus)


def test_the_page_has_the_table_of_exit_statuses() -> None:
    page = (CHECKOUT / "migrations/README.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.*?) ?\|$", page, re.MULTILINE)
    assert rows == [(str(int(status)), status.meaning, status.remedy) for status in ExitStatus]


@pytest.mark.parametrize("command", EVERY)
def test_one_spelling_of_json_and_quiet(command: str) -> None:
    options = " ".join(groups(help_of(command))["Options"])
    assert ("--json" in options) == (command not in WITHOUT_JSON)
    assert bool(re.search(r"--quiet +-q ", options)) == (command not in NEVER_QUIET)
    assert ("--format" in options) == (command == "check")


def completed(words: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What bash would offer for the last of these words."""
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    monkeypatch.setenv("_DAL_COMPLETE", "complete_bash")
    return CliRunner().invoke(app, prog_name="dal").stdout.split()


def test_completion(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed("dal mi", monkeypatch) == ["migrate"]
    assert completed("dal ma", monkeypatch) == []  # `mark` is hidden
    assert "--dry-run" in completed("dal migrate --", monkeypatch)
    assert completed("dal sql messages.his", monkeypatch) == ["messages.history"]
    assert completed("dal explain messages.his", monkeypatch) == ["messages.history"]
    assert completed("dal baseline 0003", monkeypatch) == ["0003.conversations"]
    assert completed("dal rollback --to 0003", monkeypatch) == ["0003.conversations"]


def test_the_completion_script() -> None:
    # The shell is an argument then.
    environment = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = in_pipes("--show-completion", "bash", environment=environment)
    assert (shown.returncode, "_DAL_COMPLETE=complete_bash" in shown.stdout) == (0, True)


def test_an_old_name_still_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "")
    result = CliRunner().invoke(app, ["mark", "0004"])
    assert (result.exit_code, "DATABASE_URL is not set" in result.stderr) == (3, True)
    made = subprocess.run(
        ["make", "-n", "mark", "ARGS=0004"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert ".venv/bin/dal baseline 0004\n" in made.stdout
