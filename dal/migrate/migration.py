"""The migrations of one or several projects, in the order in which they are applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yoyo.migrations
from yoyo.migrations import read_sql_migration

from dal.errors import ConfigurationError, InvalidInputError
from dal.migrate.folder import DAL, OWN, Folder, project_of
from dal.migrate.index_statement import ConcurrentIndex, parse_index
from dal.migrate.lint import errors_in, is_transactional
from dal.migrate.manifest import checksum

Folders = Sequence[Folder]
"""dal's own folder, and after it that of a service."""
DAL_FOLDERS: Folders = (OWN,)


class UnfitError(ConfigurationError):
    """The migrations are not fit to be run."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration's two files.

    Attributes:
        id: as a database has it: `0003.conversations`, or a service's `todochat/0001.labels`.
        path: the file that applies it.
        depends: the newest migration of dal's that a service's needs.
    """

    id: str
    path: Path
    depends: str | None = None

    @property
    def project(self) -> str:
        """The name of its project."""
        return project_of(self.id)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def yoyo(self) -> Any:
        """The migration as yoyo's own object."""
        return yoyo.migrations.Migration(self.id, str(self.path), str(self.path.parent))

    @property
    def transactional(self) -> bool:
        """Whether it runs in a transaction; a concurrent build of an index can't."""
        return is_transactional(self.path)

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
        """The checksum of the file that applies it, as a run records it in the database."""
        return checksum(self.path)

    @property
    def index(self) -> ConcurrentIndex | None:
        """The index that it builds concurrently."""
        read = None if self.transactional else parse_index(self.statements[0])
        return read if read and read.table else None

    @property
    def dropped_index(self) -> ConcurrentIndex | None:
        """The index that its rollback drops concurrently."""
        return None if self.transactional else parse_index(self.rollback_statements[0])


def read(folders: Folders) -> list[Migration]:
    """The migrations of the folders, one after the other, each in order.

    Raises:
        UnfitError: a folder has none, or lint refuses a file; nothing is applied then.
    """
    migrations = []
    for folder in folders:
        if not folder.names:  # nothing to do would look like success
            remedy = "" if folder.project == DAL else "; write the first with `dal new NAME`"
            message = f"no migrations found: {folder.path.name}/ is missing or empty{remedy}"
            raise UnfitError(message)
        if findings := errors_in(folder):
            listed = "\n  ".join(map(str, findings))
            raise UnfitError(f"the migrations are not fit to be run:\n  {listed}")
        migrations += [
            Migration(folder.id(name), folder.path / f"{name}.sql", folder.depends(name))
            for name in folder.names
        ]
    return migrations


def position(migrations: Sequence[Migration], wanted: str) -> int:
    """The position of a migration, by its id or its number.

    A bare number means the last folder's migration; `dal 0003` means dal's.

    Raises:
        InvalidInputError: there is none.
    """
    project, number = parse_reference(migrations, wanted)
    for place, migration in enumerate(migrations):
        if wanted == migration.id or (
            migration.project == project
            and number in (migration.name, migration.name.partition(".")[0])
        ):
            return place
    raise InvalidInputError(f"no such migration; there are {', '.join(m.id for m in migrations)}")


def parse_reference(migrations: Sequence[Migration], wanted: str) -> tuple[str, str]:
    """The project and the number, or name, of a migration as a person writes it."""
    project, _, number = wanted.replace("/", " ").rpartition(" ")
    return project.strip() or migrations[-1].project, number
