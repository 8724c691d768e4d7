"""The example service: its own tests pass with nothing but the installed dal."""

import ast
import io
import tokenize
from collections.abc import Callable
from pathlib import Path

import pytest

from dal.testing.server import Postgres
from tests.packaging.conftest import Run, running


@pytest.fixture
def run(copied: Callable[[str], Path], empty_database: str) -> Run:
    """Runs a module of the installed dal in a copy of the service, on an empty database."""
    return running(copied("chatbot"), empty_database)


def test_its_tests_pass(run: Run, dal_server: Postgres) -> None:
    done = run("pytest", "-q", "-p", "no:cacheprovider", DAL_TEST_POSTGRES=dal_server.url)
    assert done.returncode == 0, done.stdout
    assert "24 passed" in done.stdout


def test_it_is_migrated_and_proven(run: Run) -> None:
    for command in ("lint-migrations", "migrate", "check"):
        done = run("dal", command)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "3 statements of chatbot" in done.stdout


def code(source: str) -> set[int]:
    """The numbers of the lines that hold code."""
    quiet = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in quiet | {tokenize.ENDMARKER}
    ]
    docstrings = {
        number
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return {token.start[0] for token in tokens} - docstrings


def test_it_is_short() -> None:
    """Blank lines, comments and docstrings are left out."""
    folder = Path(__file__).parents[1] / "projects/chatbot/chatbot"
    lines = {path.name: len(code(path.read_text())) for path in folder.glob("*.py")}
    assert 300 < sum(lines.values()) < 400, lines
