"""Databases with the migrations applied, and folders of migrations to change."""

import shutil
from pathlib import Path

import pytest

from dal import migrate
from dal.paths import MIGRATIONS
from tests.migrations.database import Add


@pytest.fixture
def migrated(empty_database: str) -> str:
    migrate.apply(empty_database)
    return empty_database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations to change, at a path that yoyo would take for a pattern."""
    return shutil.copytree(MIGRATIONS, tmp_path / "migrations [copy]")


@pytest.fixture
def add(folder: Path) -> Add:
    """Adds a migration to the copy: its id, what it does and what undoes it."""

    def add(name: str, up: str, down: str = "SELECT") -> Path:
        (folder / f"{name}.rollback.sql").write_text(f"{down};\n")
        path = folder / f"{name}.sql"
        path.write_text(f"{up};\n")
        return path

    return add
