"""`dal check`, `dal sql` and `dal explain`, as people and deployments meet them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from dal.cli.commands import app
from tests.migrations.database import IDS, NEXT
from tests.surface import ID, fill, snapshot

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.delenv("DATABASE_URL")


def dal(*arguments: str, url: str | None = None) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    result = CliRunner().invoke(app, arguments, env={"DATABASE_URL": url, "NO_COLOR": "1"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    plain = [re.sub(r"\x1b\[[\d;]*m", "", text) for text in (result.stdout, result.stderr)]
    return result.exit_code, plain[0], plain[1]


@pytest.mark.parametrize("server", ["18", pytest.param("16", marks=pytest.mark.slow)])
def test_the_project_is_proven(server: str) -> None:  # .ci/run does it on both
    code, out, stderr = dal("check", "--server", server)
    assert (code, stderr) == (0, "")
    assert re.fullmatch(
        rf"proved \d\d statements of dal against a new database \(.* {server}\)\n"
        "not proven: stats.distributed, because there is no pg_dist_partition\n"
        "not proven: stats.functions, because there is no pg_stat_statements\n",
        out,
    )
    assert dal("check", "--server", server, "--json") == (0, "[]\n", "")


async def test_a_live_database_is_not_changed(url: str, db: object) -> None:
    await fill(db)
    before = await snapshot(db)
    code, out, stderr = dal("check", url=url)
    assert (code, stderr) == (0, "")
    assert "statements of dal against the database of DATABASE_URL" in out
    assert await snapshot(db) == before
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE messages ALTER content DROP NOT NULL")
    code, out, stderr = dal("check", url=url)
    assert code == 16
    assert "nullable: content may be NULL (messages.content" in stderr
    assert re.search(r"findings? in", out)


def test_plans_of_a_live_database_decide_only_if_asked_to(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("INSERT INTO users (id) VALUES ('ada')")
        owner.execute(
            "INSERT INTO tasks (user_id, title) SELECT 'ada', 'Milk' FROM generate_series(1, 6000)"
        )
        owner.execute("ANALYZE tasks")
        owner.execute("DROP INDEX idx_tasks_user_id")
    code, out, stderr = dal("check", url=url)
    assert code == 0
    assert re.search(r"sql/tasks/list_for_user.sql:\d+:6: sort: ", stderr)
    assert out.startswith("proved ")
    assert re.search(
        r"^\d findings? about plans, which depend on the data; --plans makes", out, re.M
    )
    code, out, _ = dal("check", "--plans", url=url)
    assert code == 16
    assert re.match(r"\d findings? in ", out)
    assert "--plans" not in out
    for option in ((), ("--plans",)):
        _, out, _ = dal("check", "--json", *option, url=url)
        assert {finding["decides"] for finding in json.loads(out)} == {bool(option)}


def test_a_database_that_is_not_migrated(empty_database: str) -> None:
    code, _, stderr = dal("check", url=empty_database)
    assert code == 16
    assert f"note: {len(IDS)} migrations are pending; first run dal migrate\n" in stderr
    assert 'relation "users" does not exist' in stderr


MIGRATION = """
DROP INDEX idx_tasks_user_completed;
ALTER TABLE conversations RENAME COLUMN status TO state;
ALTER TABLE tasks ALTER COLUMN description TYPE bytea USING NULL;
ALTER TABLE messages ALTER COLUMN content DROP NOT NULL;
"""


def test_faults_in_a_copy_of_the_project(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for folder in ("dal", "sql", "migrations"):
        shutil.copytree(CHECKOUT / folder, copy / folder)
    (copy / f"migrations/{NEXT}.change.sql").write_text(MIGRATION)
    (copy / f"migrations/{NEXT}.change.rollback.sql").write_text("SELECT;")

    def edit(file: str, old: str, new: str) -> None:
        text = (copy / file).read_text()
        assert old in text
        (copy / file).write_text(text.replace(old, new))

    edit(
        "sql/messages/get.sql",
        "user_id = :user_id AND id = :message_id::uuid",
        "user_id = :message_id AND id = :user_id",
    )
    edit("sql/tasks/get.sql", "user_id = :user_id", "lower(user_id) = :user_id")
    (copy / "sql/tasks/orphan.sql").write_text(
        "-- Nobody's.\n-- Index: none.\n-- Locks: none.\nSELECT id FROM tasks\n"
        "WHERE user_id = :user_id\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "dal", "check", "--json"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 16, done.stderr
    findings = json.loads(done.stdout)

    def message(rule: str, file: str) -> str:
        fitting = [
            finding for finding in findings if (finding["rule"], finding["file"]) == (rule, file)
        ]
        return "; ".join(finding["message"] for finding in fitting)

    assert "tasks" in message("seq-scan", "sql/tasks/get.sql")
    assert message("sort", "sql/tasks/list_for_user_by_completed.sql") or message(
        "seq-scan", "sql/tasks/list_for_user_by_completed.sql"
    )
    assert 'column "status" does not exist' in message("refused", "sql/conversations/archive.sql")
    assert "description is bytea" in message("column-type", "sql/tasks/list_for_user.sql")
    assert "content may be NULL" in message("nullable", "sql/messages/history.sql")
    swapped = message("parameter-type", "sql/messages/get.sql")
    assert ":message_id is" in swapped
    assert ":user_id is uuid" in swapped
    assert message("orphan-file", "sql/tasks/orphan.sql")


def test_a_statement_is_shown_as_it_is_sent() -> None:
    code, out, _ = dal("sql", "messages.get")
    assert (code, out.splitlines()[0][:29]) == (0, "SELECT /* messages.get */ id,")
    assert "id = $2::uuid" in out
    code, out, stderr = dal("sql", "messages.histroy")
    assert (code, out) == (1, "")
    assert "did you mean messages.history" in stderr


GET = ("explain", "messages.get", "--user-id", "ada", f"--message-id={ID}")


async def test_a_plan_with_its_rows_and_pages(url: str, db: object) -> None:
    await fill(db)
    code, out, _ = dal(*GET, url=url)
    assert code == 0
    assert re.search(r"messages .*\(actual time=.* rows=1(\.00)? loops=1\)", out)
    assert "Buffers: shared hit=" in out
    assert "$1" in out
    assert "$1" not in dal(*GET, "--custom", url=url)[1]


async def test_an_explained_write_is_rolled_back(url: str, db: object) -> None:
    await fill(db)
    before = await snapshot(db)
    code, out, _ = dal("explain", "users.erase", "--user-id", "ada", url=url)
    assert (code, "Delete on messages" in out) == (0, True)
    assert await snapshot(db) == before


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("messages.get", "--id", "x"), 1, "messages.get has no id; there are user_id, message_id"),
        (("messages.get", "--user-id"), 2, "--user-id needs a value"),
        (("messages.get", "ada"), 2, "a parameter's is like --user-id"),
        (("messages.got",), 1, "did you mean messages.get"),
        (("messages.get", "--message-id", "x"), 1, "messages.get: invalid input syntax for type"),
    ],
)
def test_wrong_calls(url: str, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    status, out, stderr = dal("explain", *arguments, url=url)
    assert (status, out) == (code, "")
    assert sentence in " ".join(re.sub(r"[│╭╮╰╯─]", " ", stderr).split())
