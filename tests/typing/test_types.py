"""What mypy and pyright see of dal from outside, in a project without any configuration."""

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, get_args

import pytest

from tests.surface import FUNCTIONS, Function

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]

HEAD = """
from uuid import UUID

import dal
from dal import conversations, messages, tasks, users

async def calls(db: dal.Database, u: str, i: UUID) -> None:
"""

REVEALED = {
    "dal.connect()": "Database",
    "await dal.connect('postgresql://localhost/x', max_size=5)": "Database",
    "await db.ping()": "float",
    "db.stats()": "PoolStats",
    "dal.Cursor.parse('')": "Cursor",
    "await tasks.create(db, user_id=u, title='', description=None)": "Task",
    "await tasks.create_many(db, user_id=u, tasks=[dal.NewTask(title='')])": "list[Task]",
    "await tasks.list_for_user(db, user_id=u, completed=True, limit=9)": "list[Task]",
    "await tasks.update(db, user_id=u, task_id=i, description=None)": "Task",
    "await conversations.create(db, user_id=u, id=i)": "Conversation",
    "await conversations.list_for_user(db, user_id=u, status='active')": "list[Conversation]",
    "await messages.create(db, user_id=u, conversation_id=i, role='user', content='')": "Message",
    "await messages.history(db, user_id=u, conversation_id=i, limit=5)": "list[Message]",
}

ARGUMENTS = {
    **dict.fromkeys(("user_id", "content"), "u"),
    **dict.fromkeys(("conversation_id", "message_id", "task_id"), "i"),
    "role": "'user'",
    "title": "u",
    "messages": "[]",
    "tasks": "[]",
}


def revealed(name: str, function: Function) -> tuple[str, str]:
    """A call of a function with what it requires, and the type that its stub promises."""
    signature = inspect.signature(function)
    _, *parameters = signature.parameters.values()
    required = [each.name for each in parameters if each.default is each.empty]
    call = f"{name}({', '.join(['db', *(f'{each}={ARGUMENTS[each]}' for each in required)])})"
    promised = signature.return_annotation
    text = (
        promised.__name__ if inspect.isclass(promised) and not get_args(promised) else str(promised)
    )
    is_stream = text.startswith("collections.abc")
    return call if is_stream else f"await {call}", PREFIXES.sub("", text)


PREFIXES = re.compile(r"(\w+\.)+")
REVEALED |= dict(revealed(name, function) for name, function in FUNCTIONS.items())

CALL = {"mypy": "call-arg", "pyright": "reportCallIssue"}
TYPE = {"mypy": "arg-type", "pyright": "reportArgumentType"}
NONE = {"mypy": "union-attr", "pyright": "reportOptionalMemberAccess"}
WRONG = {
    "await users.ensure(db)": CALL,
    "await users.ensure(db, u)": CALL,
    "await users.ensure(db, user=u)": CALL,
    "await users.ensure(u, user_id=u)": TYPE,
    "await messages.history(db, user_id=u, conversation_id=i, limit='5')": TYPE,
    "await messages.history(db, user_id=u, conversation_id=str(i))": TYPE,
    "await messages.create(db, user_id=u, conversation_id=i, role=3, content='')": TYPE,
    "await messages.create(db, user_id=u, conversation_id=i, role='usr', content='')": TYPE,
    "await conversations.list_for_user(db, user_id=u, status='archive')": TYPE,
    "dal.NewMessage(role='usr', content='')": TYPE,
    "dal.NewMessage('user', 'Hi')": CALL,
    "dal.NewTask('Milk')": CALL,
    "(await conversations.get(db, user_id=u, conversation_id=i)).id": NONE,
}

ACTIVITY = """
SELECT count(DISTINCT c.id) AS conversations, count(m.id) AS messages
FROM conversations AS c
LEFT JOIN messages AS m ON m.user_id = c.user_id AND m.conversation_id = c.id
WHERE c.user_id = :user_id;
"""


class Note(NamedTuple):
    """What a checker says about a line; `rule` is mypy's code or pyright's rule."""

    file: str
    line: int
    rule: str | None
    text: str


def mypy(project: Path) -> Iterator[Note]:
    options = ["--strict", "--config-file", os.devnull, "--cache-dir", "cache", "--output", "json"]
    for line in run(project, "-m", "mypy", *options, ".").splitlines():
        error = json.loads(line)
        yield Note(error["file"], error["line"], error["code"], error["message"])


def pyright(project: Path) -> Iterator[Note]:
    (project / "pyrightconfig.json").write_text("{}")  # or it would look for one further up
    output = run(project, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable)
    for diagnostic in json.loads(output)["generalDiagnostics"]:
        line = diagnostic["range"]["start"]["line"] + 1
        yield Note(
            Path(diagnostic["file"]).name, line, diagnostic.get("rule"), diagnostic["message"]
        )


CALLS = ("revealed.py", "wrong.py")
CHECKERS = {"mypy": mypy, "pyright": pyright}


def run(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr  # 1: there are errors
    return done.stdout


def program(calls: Iterable[str]) -> str:
    return HEAD + "".join(f"    {call}\n" for call in calls)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stranger's folder: the service, the shop, good calls and wrong ones."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(HERE / "service.py", folder)
    shutil.copy(HERE / "shapes.py", folder)
    shutil.copytree(CHECKOUT / "tests/projects/shop/shop", folder / "shop")
    (folder / "sql").mkdir()
    (folder / "sql/activity.sql").write_text(ACTIVITY)
    (folder / "revealed.py").write_text(program(f"reveal_type({call})" for call in REVEALED))
    (folder / "wrong.py").write_text(program(WRONG))
    return folder


@pytest.fixture(scope="module")
def notes(project: Path) -> dict[str, list[Note]]:
    """What each checker says about the folder."""
    with ThreadPoolExecutor() as pool:
        per_checker = pool.map(lambda check: list(check(project)), CHECKERS.values())
        return dict(zip(CHECKERS, per_checker, strict=True))


def by_call(calls: Iterable[str], notes: list[Note], file: str) -> Iterator[tuple[str, Note]]:
    """Each note about the file, with the call that stands in its line."""
    lines = dict(enumerate(calls, start=HEAD.count("\n") + 1))
    return ((lines[note.line], note) for note in notes if note.file == file)


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_is_right_is_clean(checker: str, notes: dict[str, list[Note]]) -> None:
    """The service, and the shop with the types of what its functions return."""
    assert [note for note in notes[checker] if note.file not in CALLS] == []


@pytest.mark.parametrize("checker", CHECKERS)
def test_revealed_types(checker: str, notes: dict[str, list[Note]]) -> None:
    revealed = [
        (call, PREFIXES.sub("", note.text.rpartition(' is "')[2]).removesuffix('"'))
        for call, note in by_call(REVEALED, notes[checker], "revealed.py")
    ]
    assert revealed == list(REVEALED.items())


@pytest.mark.parametrize("checker", CHECKERS)
def test_wrong_calls(checker: str, notes: dict[str, list[Note]]) -> None:
    reported = {call: note.rule for call, note in by_call(WRONG, notes[checker], "wrong.py")}
    assert reported == {call: rules[checker] for call, rules in WRONG.items()}


def test_service_runs(project: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert run(project, "-W", "error", "service.py").splitlines() == [
        "3 so far",
        "True ([], None)",
        "['Hi', 'Hello', 'How many?', '3 so far']",
        "conversations=1 messages=4",
        "messages.create_and_history",
    ]
