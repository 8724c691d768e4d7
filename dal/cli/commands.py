"""All commands, in the order in which `dal --help` lists them."""

from importlib import import_module

from dal.cli.app import app

__all__ = ["app"]

for _module in (
    *("demo", "ping", "migrate", "status", "rollback", "baseline", "import_", "export"),
    *("check", "sql", "explain", "stats", "archive", "purge", "erase_user", "orphans"),
    *("new", "lint_migrations", "catalog"),
):
    import_module(f"dal.cli.{_module}")
