"""The migrations of a folder, as yoyo reads them."""

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yoyo
from yoyo.migrations import read_sql_migration

from dal.errors import ConfigurationError, InvalidInputError
from dal.migrate import concurrent
from dal.migrate.lint import errors_in
from dal.migrate.manifest import checksum


class UnfitError(ConfigurationError):
    """The migrations are not fit to be run."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration's two files.

    Attributes:
        id: the file's name without its ending, `0003.conversations`.
        path: the file that applies it.
        yoyo: yoyo's own object, which has the statements.
    """

    id: str
    path: Path
    yoyo: Any

    @property
    def transactional(self) -> bool:
        """Whether it runs in a transaction; a concurrent build of an index can't."""
        self.yoyo.load()
        return bool(self.yoyo.use_transactions)

    @property
    def statements(self) -> list[str]:
        """The statements that apply it."""
        return list(read_sql_migration(str(self.path))[2])

    @property
    def rollback(self) -> Path:
        """The file that undoes it."""
        return self.path.with_suffix(".rollback.sql")

    @property
    def rollback_statements(self) -> list[str]:
        """The statements that undo it."""
        return list(read_sql_migration(str(self.rollback))[2])

    @property
    def checksum(self) -> str:
        """Of the file that applies it, as a run records it in the database."""
        return checksum(self.path)

    @property
    def index(self) -> concurrent.Index | None:
        """The index that it builds concurrently."""
        read = None if self.transactional else concurrent.index(self.statements[0])
        return read if read and read.table else None

    @property
    def dropped_index(self) -> concurrent.Index | None:
        """The index that its rollback drops concurrently."""
        return None if self.transactional else concurrent.index(self.rollback_statements[0])


def read(folder: Path) -> list[Migration]:
    """The migrations in order.

    Raises:
        UnfitError: there are none, or lint refuses one; nothing is applied then.
    """
    found = yoyo.read_migrations(glob.escape(str(folder))) if folder.is_dir() else ()
    if not found:  # no error to yoyo, and nothing to do
        raise UnfitError(f"no migrations found: {folder.name}/ is missing or empty")
    if findings := errors_in(folder):
        listed = "\n  ".join(map(str, findings))
        raise UnfitError(f"the migrations are not fit to be run:\n  {listed}")
    return [Migration(one.id, Path(one.path), one) for one in found]


def position(migrations: list[Migration], wanted: str) -> int:
    """Where a migration stands, by its id or its number.

    Raises:
        InvalidInputError: there is none.
    """
    for place, migration in enumerate(migrations):
        if wanted in (migration.id, migration.id.partition(".")[0]):
            return place
    raise InvalidInputError(f"no such migration; there are {', '.join(m.id for m in migrations)}")
