"""What an installed dal does not offer; test_wheel.py sees the same in a wheel."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dal import errors, migrate, places
from dal.cli.commands import app
from tests.terminal.screen import CHECKOUT

FOR_A_CHECKOUT = ("new", "lint-migrations", "catalog")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if the SQL were inside the package."""
    monkeypatch.setattr(places, "_PACKAGE", CHECKOUT)
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.chdir(tmp_path)


def test_a_checkout_offers_it() -> None:
    assert not places.is_installed()
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert all(f" {command} " in shown for command in ("Develop dal", *FOR_A_CHECKOUT))


@pytest.mark.usefixtures("installed")
def test_commands_that_write_our_own_files() -> None:
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0
    assert not any(command in shown.stdout for command in ("Develop dal", *FOR_A_CHECKOUT))
    for command in FOR_A_CHECKOUT:
        refused = CliRunner().invoke(app, [command])
        assert (refused.exit_code, "No such command" in refused.stderr) == (2, True)


@pytest.mark.usefixtures("installed")
def test_check_proves_a_services_database() -> None:
    refused = CliRunner().invoke(app, ["check"])
    assert (refused.exit_code, "DATABASE_URL is not set" in refused.stderr) == (3, True)
    refused = CliRunner().invoke(app, ["check", "--server", "18"])
    assert (refused.exit_code, "that is for a checkout" in refused.stderr) == (2, True)


@pytest.mark.usefixtures("installed")
def test_functions_write_nothing_there() -> None:
    for write in (lambda: migrate.create("due"), lambda: migrate.freeze(migrate.OWN)):
        with pytest.raises(errors.ConfigurationError, match="work in a checkout"):
            write()
