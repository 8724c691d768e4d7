"""A service with one migration of its own."""

from pathlib import Path

import pytest

SETTINGS = """
[tool.dal]
name = "shop"
migrations = "migrations"
[tool.pytest.ini_options]
filterwarnings = ["error"]
"""


@pytest.fixture
def service(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/0001.orders.sql").write_text(
        "-- Orders.\n\nCREATE TABLE orders (id bigint PRIMARY KEY);\n"
    )
    (tmp_path / "migrations/0001.orders.rollback.sql").write_text("DROP TABLE orders;\n")
    # Neither is the plugin's to read.
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://nobody@127.0.0.1:9/nowhere\n")
    return tmp_path
