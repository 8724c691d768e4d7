"""The command line: each command is a few lines over a function that a program could call."""

from dal.cli import catalog, check, data, lines, maintenance, migrations, stats
from dal.cli.shell import app, run

__all__ = ["app", "catalog", "check", "data", "lines", "maintenance", "migrations", "run", "stats"]
