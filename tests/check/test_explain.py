"""`dal explain` plans what the public function would send, and is called by its own name."""

import inspect
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
from typer.testing import CliRunner

import dal
from dal import messages
from dal.binding import Executor, Queries, query
from dal.binding.binding import Binding
from dal.cli.commands import app
from tests.surface import FUNCTIONS, ID, fill

PRIVATE = [
    binding
    for binding in query.bindings
    if binding.stub.__name__.startswith("_")
    and any(binding.stub.__module__ == function.__module__ for function in FUNCTIONS.values())
]


def run(url: str, *arguments: str) -> str:
    """What a command that succeeds prints."""
    result = CliRunner().invoke(app, arguments, env={"DATABASE_URL": url, "NO_COLOR": "1"})
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


async def test_a_page_has_the_functions_length(url: str, db: dal.Database) -> None:
    await fill(db)
    batch = [dal.NewMessage(role="assistant", content="More") for _ in range(30)]
    await messages.create_many(db, user_id="ada", conversation_id=ID, messages=batch)
    chosen = ("messages.history", "--user-id", "ada", f"--conversation-id={ID}")
    rows = r"Limit .*\(actual time=.* rows={}(\.00)? loops=1\)"
    assert re.match(rows.format(20), run(url, "explain", *chosen))
    assert re.match(rows.format(3), run(url, "explain", *chosen, "--limit=3"))


@pytest.mark.parametrize("binding", PRIVATE, ids=lambda binding: binding.statement.name)
def test_a_private_stub_has_the_public_functions_defaults(binding: Binding) -> None:
    file = rf"sql/{binding.statement.name.replace('.', '/')}\.sql"
    [public] = [
        function
        for function in FUNCTIONS.values()
        if re.search(file, inspect.getdoc(function) or "")
    ]
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(public).parameters.items()
        if name in binding.hints and isinstance(parameter.default, int)
    }
    assert {name: binding.defaults.get(name) for name in defaults} == defaults


def test_private_stubs_are_found() -> None:
    assert {"messages.history", "tasks.update"} <= {binding.statement.name for binding in PRIVATE}


@pytest.mark.parametrize(
    ("flag", "kept"),
    [
        ((), False),
        (("--begun=true",), True),
        (("--begun", "t"), True),
        (("--begun=on",), True),
        (("--begun=false",), False),
        (("--begun", "0"), False),
    ],
)
def test_a_flags_line_is_planned_only_if_it_is_true(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flag: tuple[str, ...],
    kept: bool,
) -> None:
    binding = of_begun(tmp_path)
    monkeypatch.setattr("dal.cli.statements.find", lambda name: binding)
    assert ("last_message_at IS NOT NULL" in run(url, "explain", "begun", *flag)) == kept


def test_what_is_neither_true_nor_false_is_no_flag(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binding = of_begun(tmp_path)
    monkeypatch.setattr("dal.cli.statements.find", lambda name: binding)
    wrong = CliRunner().invoke(
        app, ("explain", "begun", "--begun=maybe"), env={"DATABASE_URL": url}
    )
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert "--begun must be true or false" in wrong.stderr


def of_begun(folder: Path) -> Binding:
    (folder / "begun.sql").write_text(
        """
        SELECT id FROM conversations
        WHERE status = 'active'
          AND last_message_at IS NOT NULL -- if :begun
        """
    )
    queries = Queries(folder)

    @queries("begun.sql")
    async def begun(db: Executor, *, begun: bool | None = None) -> list[UUID]:
        raise NotImplementedError

    return queries.bindings[0]


MESSAGE = (f"--conversation-id={ID}", "--role=user", "--content=Milk")


@pytest.mark.parametrize(
    "arguments",
    [
        ("tasks.create", "--title=Milk"),
        ("conversations.create",),
        ("messages.create", *MESSAGE),
        ("messages.create_and_history", *MESSAGE),
    ],
    ids=lambda arguments: arguments[0],
)
async def test_a_new_row_is_given_an_id(
    url: str, db: dal.Database, arguments: tuple[str, ...]
) -> None:
    await fill(db)
    plan = run(url, "explain", *arguments, "--user-id=ada")
    assert re.search(r"Insert on \w+ .* rows=1(\.00)? loops=1\)", plan)


@pytest.mark.parametrize(
    "command",
    [
        ("ping",),
        ("migrate",),
        ("rollback", "--yes"),
        ("status",),
        ("baseline", "0004"),
        ("import", "-"),
        ("export",),
        ("explain", "users.get"),
        ("check",),
    ],
    ids=" ".join,
)
def test_each_command_is_called_by_its_name(
    url: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set()
    by_psycopg, by_asyncpg = psycopg.connect, asyncpg.connect

    def connect(*args: Any, **named: Any) -> Any:
        names.add(named.get("application_name"))
        return by_psycopg(*args, **named)

    async def connect_async(*args: Any, **named: Any) -> Any:
        names.add(named["server_settings"]["application_name"])
        return await by_asyncpg(*args, **named)

    monkeypatch.setattr(psycopg, "connect", connect)
    monkeypatch.setattr(asyncpg, "connect", connect_async)
    CliRunner().invoke(app, command, env={"DATABASE_URL": url})
    monkeypatch.undo()
    assert names - {"dal.testing"} == {
        f"dal {command[0]}"
    }  # another test's database, made meanwhile
