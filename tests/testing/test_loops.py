"""`dal_db` is connected in the event loop that runs the test, whoever brings that loop."""

from pathlib import Path

import pytest

from dal.testing.server import Postgres
from tests.testing.running import run

AUTO = ("-o", "asyncio_mode=auto")
STRICT = ("-o", "asyncio_mode=strict")
TEST = """
import dal, pytest
{before}
async def test_user(dal_db: dal.Database) -> None:
    assert (await dal.users.ensure(dal_db, user_id="ada")).id == "ada"
{before}
async def test_another(dal_db: dal.Database) -> None:
    assert await dal.users.get(dal_db, user_id="ada") is None
"""
IN_SESSION = '@pytest.mark.asyncio(loop_scope="session")'
OF_ANYIO = """
@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
"""


def scopes(fixtures: str, tests: str) -> tuple[str, ...]:
    """Options for the loops of pytest-asyncio's fixtures and tests."""
    loops = {"fixture": fixtures, "test": tests}
    options = (("-o", f"asyncio_default_{kind}_loop_scope={loop}") for kind, loop in loops.items())
    return tuple(option for pair in options for option in pair)


@pytest.mark.parametrize(
    ("before", "options"),
    [
        ("@pytest.mark.anyio", STRICT),
        ("", (*AUTO, *scopes("session", "function"))),
        ("", (*AUTO, *scopes("function", "session"))),
        ("", (*AUTO, *scopes("module", "module"))),
        (IN_SESSION, STRICT),
        (IN_SESSION, (*STRICT, *scopes("module", "package"))),
    ],
)
def test_it_is_the_tests_own(
    service: Path, dal_server: Postgres, before: str, options: tuple[str, ...]
) -> None:
    text = TEST.format(before=before) + OF_ANYIO * ("anyio" in before)
    (service / "test_shop.py").write_text(text)
    done = run(service, dal_server.url, *options)
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout


def test_two_plugins_for_one_test(service: Path, dal_server: Postgres) -> None:
    (service / "test_shop.py").write_text(TEST.format(before="@pytest.mark.anyio") + OF_ANYIO)
    done = run(service, dal_server.url, *AUTO)
    assert done.returncode == 1
    assert 'set asyncio_mode = "strict"' in done.stdout
