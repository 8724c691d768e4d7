"""A project's folder of migrations."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

from dal.migrate import manifest
from dal.paths import MIGRATIONS

DAL = "dal"
"""The name of dal's own project, whose ids have no prefix."""

NAME = re.compile(r"(?P<number>\d{4})\.(?P<title>[a-z0-9_-]+)(?P<rollback>\.rollback)?\.sql")
_DEPENDS = re.compile(r"(?m)^\s*--\s*depends\s*:(.*)$")


@dataclass(frozen=True, slots=True)
class Folder:
    """A project's folder of migrations.

    Attributes:
        path: where it is.
        project: the project's name. In a database, a service's ids begin with it, as in
            `todochat/0001.labels`, so that they can't clash with those of a later dal.
        base: the folder on whose migrations these build.
    """

    path: Path
    project: str = DAL
    base: Self | None = None

    def id(self, name: str) -> str:
        """The id of a migration in a database, from its file name without the ending."""
        return name if self.project == DAL else f"{self.project}/{name}"

    @property
    def names(self) -> list[str]:
        """The migrations' names in order, as the files have them."""
        files = sorted(self.path.glob("*.sql")) if self.path.is_dir() else []
        named = (NAME.fullmatch(file.name) for file in files)
        return [match[0].removesuffix(".sql") for match in named if match and not match["rollback"]]

    def depends(self, name: str) -> str | None:
        """The name of the newest migration of the base that this one needs.

        It is the one the file names (`-- depends: dal 0004.messages`), else the one recorded in the
        manifest when the file was frozen, else dal's newest.
        """
        if self.base is None:
            return None
        text = (self.path / f"{name}.sql").read_text(encoding="utf-8", errors="replace")
        written = {each for value in _DEPENDS.findall(text) for each in of_base(value.split())}
        recorded = manifest.dependencies(self.path).get(name)
        return max([*written], default=recorded or max(self.base.names, default=None))


OWN = Folder(MIGRATIONS)
"""The folder of dal's own migrations."""


def of_base(words: Iterable[str]) -> list[str]:
    """The names in the value of `depends` that are dal's: each follows the word `dal`."""
    listed = list(words)
    return [name for word, name in pairwise(listed) if word == DAL]


def project_of(id: str) -> str:
    """The project of a migration, by its id in a database."""
    return id.rpartition("/")[0] or DAL
