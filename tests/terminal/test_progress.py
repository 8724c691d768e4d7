"""Long work shows that it goes on where a person looks, and nowhere else."""

import json
import re
from pathlib import Path

import psycopg
import pytest

from tests.benchmarks.steps import Steps, steps
from tests.migrations.database import IDS
from tests.terminal.screen import in_pipes, on_terminal, plain

LINE = json.dumps({"user_id": "ada", "messages": [{"role": "user", "content": "Hi"}]})
OLD = """
    INSERT INTO users (id) VALUES ('ada');
    INSERT INTO conversations (user_id, updated_at)
    SELECT 'ada', now() - interval '100 days' FROM generate_series(1, 5);
"""
# What is shown while the work goes on.
SHOWN = {
    "import {chats}": "importing: 5 lines, 5 messages",
    "export": "exporting: 5 lines",
    "migrate": "migrating",
    "rollback --yes": "rolling back",
    "baseline 0004": "comparing",
    "check": "proving the statements",
    "archive": "archived 5 conversations",
    "purge --archived-for 0d": "deleted 5 conversations",
    "erase-user ada --yes": "deleted 5 conversations",
    "orphans": "reading every row",
}


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    (tmp_path / "chats").write_text(f"{LINE}\n" * 5)
    return tmp_path / "chats"


@pytest.mark.parametrize("command", SHOWN)
def test_it_is_shown_on_a_terminal_alone(url: str, chats: Path, command: str) -> None:
    words = [word.format(chats=chats) for word in command.split()]
    environment = {"DATABASE_URL": url}

    def fill() -> None:
        with psycopg.connect(url) as connection:
            connection.execute(b"TRUNCATE users CASCADE")
            connection.execute(OLD.encode())
            if command.startswith("purge"):
                connection.execute(b"UPDATE conversations SET status = 'archived'")

    fill()
    shown = on_terminal(*words, environment=environment, piped_out=True)
    assert shown.status == 0, plain(shown.screen)
    assert SHOWN[command] in plain(shown.screen)
    assert re.search(r"\d:\d\d:\d\d", plain(shown.screen))
    assert "\x1b" not in shown.out
    assert max(len(line) for line in plain(shown.screen).replace("\r", "\n").splitlines()) <= 80
    if command.startswith("rollback"):
        in_pipes("migrate", environment=environment)
    fill()
    # rich alone would take this for a terminal
    piped = in_pipes(*words, environment=environment | {"FORCE_COLOR": "1"})
    # Work in batches writes a line about each into a log.
    in_batches = command.startswith(("archive", "purge", "erase-user"))
    lines = r"((archived|deleted) [\w, ]+\n)+" if in_batches else ""
    assert (piped.returncode, re.fullmatch(lines, piped.stderr) is not None) == (0, True)
    assert re.sub(r"\d+ ms", "", piped.stdout).count("\n") == shown.out.count("\n")
    fill()
    if "export" not in command:
        quiet = on_terminal(*words, "--quiet", environment=environment)
        assert quiet.screen == ""


def test_lines_stay_above_what_is_shown(empty_database: str) -> None:
    shown = on_terminal("migrate", environment={"DATABASE_URL": empty_database})
    lines = [line.rpartition("\r")[2] for line in plain(shown.screen).splitlines()]
    applied = [line for line in lines if line.startswith("applied ")]
    assert [line.split()[1] for line in applied] == IDS
    assert lines[-1] == "the database is up to date"


class TestBench:
    def test_each_round_is_counted(self) -> None:
        seen: list[str] = []

        class Shown:
            def update(self, text: str, *, completed: float) -> None:
                seen.append(f"{text} ({completed:g})")

            def show(self) -> None:
                seen[-1] += " shown"

        run = Steps(Shown(), 2)  # type: ignore[arg-type]
        run.begin("speed")
        assert list(run.each(range(2))) == [0, 1]
        run.begin("load")
        assert seen == [
            "1 of 2: speed (0) shown",
            "1 of 2: speed, 1 of 2 (0) shown",
            "1 of 2: speed, 2 of 2 (0) shown",
            "2 of 2: load (1) shown",
        ]

    def test_nothing_is_shown_in_a_pipe(self, capfd: pytest.CaptureFixture[str]) -> None:
        with steps(1) as run:
            run.begin("speed")
        assert capfd.readouterr() == ("", "")
