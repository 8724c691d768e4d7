"""What an installed dal refuses; tests/packaging sees the same in a wheel."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dal import errors, migrate, paths
from dal.cli.commands import app
from tests.terminal.screen import CHECKOUT


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if the SQL were inside the package."""
    monkeypatch.setattr(paths, "_PACKAGE", CHECKOUT)
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", [["new", "due"], ["lint-migrations", "--freeze"], ["catalog"]])
def test_commands_that_would_write_our_own_files(command: list[str]) -> None:
    refused = CliRunner().invoke(app, command)
    assert (refused.exit_code, "is in the installed dal" in refused.stderr) == (3, True)


def test_check_proves_a_services_database() -> None:
    refused = CliRunner().invoke(app, ["check"])
    assert (refused.exit_code, "DATABASE_URL is not set" in refused.stderr) == (3, True)


def test_functions_write_nothing_there() -> None:
    for write in (lambda: migrate.create("due"), lambda: migrate.freeze(migrate.OWN)):
        with pytest.raises(errors.ConfigurationError, match="work in a checkout"):
            write()
