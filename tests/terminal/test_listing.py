"""`dal sql` and `dal explain` without a name, and with one that is nearly right."""

import json
import re

import pytest
from typer.testing import CliRunner, Result

from dal.cli.commands import app
from dal.project.dal_project import dal_project
from tests.terminal.screen import on_terminal, plain

STATEMENTS = {
    binding.statement.name: binding.statement.parameters for binding in dal_project().bindings
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"NO_COLOR": "1"})


@pytest.mark.parametrize("command", ["sql", "explain"])
def test_all_are_listed_with_their_parameters(command: str) -> None:
    listed = run(command)
    assert (listed.exit_code, listed.stderr) == (0, "")
    rows = [line.split() for line in listed.stdout.splitlines()]
    assert {name: tuple(parameters) for name, *parameters in rows} == STATEMENTS
    assert rows == sorted(rows)
    rows = json.loads(run(command, "--json").stdout)
    assert {row["name"]: tuple(row["parameters"]) for row in rows} == STATEMENTS


def test_the_list_fits_a_terminal() -> None:
    listed = on_terminal("sql")
    assert listed.status == 0
    lines = plain(listed.screen).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(bool(re.match(r"\S", line)) for line in lines[1:]) == len(STATEMENTS)
    assert set(plain(listed.screen).split()) >= {
        name for row in STATEMENTS.values() for name in row
    }


@pytest.mark.parametrize("command", ["sql", "explain"])
def test_near_names_are_offered_and_only_a_few(command: str) -> None:
    near = run(command, "messages.histroy")
    assert (near.exit_code, near.stdout) == (1, "")
    assert "did you mean messages.history" in near.stderr
    assert len(re.findall(r"\w+\.\w+", near.stderr)) <= 3
    far = run(command, "zzz")
    assert (far.exit_code, far.stderr) == (
        1,
        "error: no statement has that name; dal sql lists them\n",
    )


def test_a_statement_for_machines() -> None:
    shown = json.loads(run("sql", "messages.get", "--json").stdout)
    assert shown == {
        "name": "messages.get",
        "parameters": ["user_id", "message_id"],
        "sql": run("sql", "messages.get").stdout.removesuffix("\n"),
    }
