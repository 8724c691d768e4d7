"""A service's settings for dal: the table `[tool.dal]` of its `pyproject.toml`."""

import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from dal.check.project import OwnerColumns
from dal.errors import ConfigurationError
from dal.migrate.folder import DAL, OWN, Folder
from dal.migrate.migration import Folders

FILE = "pyproject.toml"
_TABLE = "[tool.dal]"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_Reference = Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")]


_FLAG = "must be true or false, without quotes"
_KINDS = {
    "name": "must be lower-case letters, digits, - and _, at most 100 of them",
    "queries": 'must be a list like ["service.store:query"]',
    "migrations": 'must be a folder, like "migrations"',
    "populate": 'must be a file, like "sql/populate.sql"',
    "owner": 'must be the name of a column, like "user_id"',
    "owner-exceptions": 'must give each table a column or false, like {accounts = "id"}',
    "header-comments": _FLAG,
    "distributed": _FLAG,
    "dal": _FLAG,
}
"""What each setting must be."""


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Settings(BaseModel):
    """The table's keys, written with hyphens.

    Attributes:
        name: the project's name, a prefix of its migrations' ids in a database; the name in the
            table `[project]` by default.
        queries: `Queries` objects as `module:name`. Importing the modules binds the statements.
        migrations: the folder of the service's migrations, which are applied after dal's.
        populate: SQL that fills a throw-away database with rows, for realistic plans.
        owner: the column that holds a row's owner. Without it, only dal's tables have an owner.
        owner_exceptions: by table, another such column, or false if its rows have no owner.
        header_comments: whether a statement has to say which index serves it and what it locks.
        distributed: whether a statement has to be one shard's where its tables are distributed by
            their owners (Citus).
        dal: whether the service uses dal's tables.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_kebab, hide_input_in_errors=True
    )

    name: str | None = Field(None, pattern=f"^{_NAME.pattern}$")
    queries: tuple[_Reference, ...] = ()
    migrations: Path | None = None
    populate: Path | None = None
    owner: str | None = None
    owner_exceptions: dict[str, str | Literal[False]] = {}
    header_comments: StrictBool = False
    distributed: StrictBool = False
    dal: StrictBool = True


@dataclass(frozen=True, slots=True)
class Service:
    """A service that has settings.

    Attributes:
        name: the service's name.
        file: its `pyproject.toml`.
        settings: the settings in that file.
    """

    name: str
    file: Path
    settings: Settings

    @property
    def root(self) -> Path:
        """The folder that relative paths start from."""
        return self.file.parent

    @property
    def migrations(self) -> Folder | None:
        """The folder of its migrations."""
        if self.settings.migrations is None:
            return None
        base = OWN if self.settings.dal else None
        return Folder(self.root / self.settings.migrations, self.name, base)

    @property
    def owner(self) -> OwnerColumns:
        """The columns that hold the owners of its rows."""
        by_table = self.settings.owner_exceptions
        return OwnerColumns(
            self.settings.owner, {table: column or None for table, column in by_table.items()}
        )

    @property
    def populate(self) -> Path | None:
        """The file that fills a throw-away database."""
        return self.settings.populate and self.root / self.settings.populate


def folders(service: Service | None) -> Folders:
    """The migrations of dal and of a service, in the order in which they are applied."""
    base = () if service and not service.settings.dal else (OWN,)
    additional = (service.migrations,) if service and service.migrations else ()
    return (*base, *additional)


def find(start: Path | None = None) -> Service | None:
    """The service of a folder; None if no `pyproject.toml` has the table.

    Parameters:
        start: the folder to search before those above it; None is the current folder.

    Raises:
        ConfigurationError: the file can't be read, or a setting is wrong.
    """
    try:
        start = (start or Path.cwd()).resolve()
    except FileNotFoundError:  # it was removed
        return None
    for folder in (start, *start.parents):
        file = folder / FILE
        if file.is_file() and (service := _read(file)):
            return service
    return None


def _read(file: Path) -> Service | None:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"{file} can't be read: {reason}") from None
    tool, project = (
        section if isinstance(section := content.get(name), dict) else {}
        for name in ("tool", "project")
    )
    if "dal" not in tool:
        return None
    try:
        settings = Settings.model_validate(tool["dal"])
    except ValidationError as error:
        problems = "\n  ".join(dict.fromkeys(map(_problem, error.errors())))
        raise ConfigurationError(f"{file}, {_TABLE}:\n  {problems}") from None
    name = settings.name or str(project.get("name", "")).lower().replace(".", "-")
    if not _NAME.fullmatch(name) or name == DAL:
        raise ConfigurationError(
            f'{file}, {_TABLE}: needs a name of its own: `name = "..."`; it {_KINDS["name"]}'
        )
    return Service(name, file, settings)


def _problem(error: Any) -> str:
    if not error["loc"]:
        return "must be a table, with its settings in the lines below"
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        near = get_close_matches(name, _KINDS, n=1) or [", ".join(_KINDS)]
        return f"{name}: there is no such setting; did you mean {near[0]}?"
    return f"{name}: {_KINDS[name]}"
