"""All commands, in the order in which `dal --help` lists them."""

from importlib import import_module

from dal.cli.app import app

__all__ = ["app"]

_MODULES = [
    *("demo", "ping", "migrate", "status", "rollback", "baseline", "grants", "distribute"),
    *("import_", "export"),
    *("check", "sql", "explain", "stats", "archive", "purge", "erase_user", "orphans"),
    *("new", "lint_migrations", "catalog"),
]

for _module in _MODULES:
    import_module(f"dal.cli.{_module}")
# One of them may have been imported before.
app.registered_commands.sort(
    key=lambda command: _MODULES.index(command.callback.__module__.rpartition(".")[2])
)
