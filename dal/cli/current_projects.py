"""The projects that a command works on: dal's own, and the service in the current folder."""

from typing import TYPE_CHECKING

from dal.binding.binding import Binding
from dal.binding.errors import BindingError, binding_errors
from dal.errors import ConfigurationError
from dal.migrate.folder import Folder
from dal.migrate.migration import Folders
from dal.project import service

if TYPE_CHECKING:
    from dal.check.project import OwnerColumns, Project


def folders_if_any() -> Folders:
    """The migrations of all projects."""
    return service.folders(service.find())


def folders() -> Folders:
    """The migrations of all projects.

    Raises:
        ConfigurationError: there are none.
    """
    if folders := folders_if_any():
        return folders
    raise ConfigurationError(
        'there are no migrations; say where they are: migrations = "FOLDER" in [tool.dal] of'
        " pyproject.toml"
    )


def own_folder() -> Folder:
    """The migrations of the project in the current folder.

    Raises:
        ConfigurationError: it has none.
    """
    project, own = service.find(), folders()[-1]
    if project and own.project != project.name:
        raise ConfigurationError(
            f"{project.name} has no migrations of its own; say where they are to be: migrations ="
            ' "FOLDER" in [tool.dal] of pyproject.toml'
        )
    return own


def require_dal(command: str) -> None:
    """Refuse a command for dal's own tables where the service leaves them out.

    Raises:
        ConfigurationError: it does.
    """
    found = service.find()
    if found and not found.settings.dal:
        raise ConfigurationError(
            f"dal {command} is about dal's own tables, which {found.name} leaves out: dal = false"
            f" in [tool.dal] of {found.file.name}"
        )


def owners() -> "tuple[OwnerColumns, list[str]]":
    """The columns that hold the owners in all projects' tables, and the names of dal's tables."""
    from dal.check.project import joint_owner
    from dal.project.dal_project import OWNER

    own, found = [OWNER], service.find()
    if found:
        own = own if found.settings.dal else []
        return joint_owner([*own, found.owner]), [name for each in own for name in each.by_table]
    return OWNER, [*OWNER.by_table]


def projects() -> "list[Project]":
    """All projects, with their statements."""
    from dal.project import loading  # which takes longer to import

    return loading.projects(service.find())


def projects_with_binding_errors() -> "tuple[list[Project], list[BindingError]]":
    """All projects, and the files that do not fit their stubs."""
    with binding_errors.block() as collected:
        return projects(), collected


def bindings() -> dict[str, Binding]:
    """All statements by name; where a service has the same name, dal's is `dal/messages.create`."""
    named: dict[str, Binding] = {}
    for project in projects():
        for binding in project.bindings:
            name = binding.statement.name
            if name in named:
                named[f"dal/{name}"] = named[name]
            named[name] = binding
    return named
