"""All commands, in the order in which `dal --help` lists them."""

from dal.cli import demo, ping  # isort: skip
from dal.cli import migrate, status, rollback, baseline  # isort: skip
from dal.cli import import_, export  # isort: skip
from dal.cli import check, sql, explain  # isort: skip
from dal.cli import stats, archive, purge, erase_user, orphans  # isort: skip
from dal.cli import new, lint_migrations, catalog  # isort: skip
from dal.cli.app import app

__all__ = [
    "app",
    "archive",
    "baseline",
    "catalog",
    "check",
    "demo",
    "erase_user",
    "explain",
    "export",
    "import_",
    "lint_migrations",
    "migrate",
    "new",
    "orphans",
    "ping",
    "purge",
    "rollback",
    "sql",
    "stats",
    "status",
]
