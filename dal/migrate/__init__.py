"""Migrations that a deployment can trust.

yoyo reads the files and records what is applied; this package closes its gaps.

A run migrates on the connection that holds its advisory lock, so that both end together if the
connection breaks. A migration and its history entry are one transaction.
Files or tables that don't fit are refused before anything is applied.
"""

from dal.migrate.baseline import baseline
from dal.migrate.create import create
from dal.migrate.folder import OWN, Folder
from dal.migrate.freeze import freeze
from dal.migrate.lint import LintFinding, lint
from dal.migrate.migration import UnfitError
from dal.migrate.run import Step, apply, rollback
from dal.migrate.session import LockedError, PoolerError, ReadOnlyError
from dal.migrate.squawk import MissingToolError, squawk
from dal.migrate.status import State, status

__all__ = [
    "OWN",
    "Folder",
    "LintFinding",
    "LockedError",
    "MissingToolError",
    "PoolerError",
    "ReadOnlyError",
    "State",
    "Step",
    "UnfitError",
    "apply",
    "baseline",
    "create",
    "freeze",
    "lint",
    "rollback",
    "squawk",
    "status",
]
