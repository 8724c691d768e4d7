"""Imports the modules that bind statements, and builds the projects."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path

from dal.binding.errors import BindingError
from dal.binding.queries import Queries
from dal.check.project import Project, Rule
from dal.errors import ConfigurationError, DalError
from dal.project.dal_project import dal_project
from dal.project.distributed import DISTRIBUTED
from dal.project.header_comments import header_comment
from dal.project.service import Service


def projects(service: Service | None) -> list[Project]:
    """The projects: dal's own, unless the service does without it, and the service's.

    Raises:
        ConfigurationError: a module can't be imported, or lacks the named `Queries`.
    """
    loaded = [] if service and not service.settings.dal else [dal_project()]
    return [*loaded, _project(service)] if service else loaded


def _project(service: Service) -> Project:
    settings = service.settings
    with _importing_from(service.root):
        loaded = dict.fromkeys(_queries(service, reference) for reference in settings.queries)
    populate = service.populate
    if populate and not populate.is_file():
        raise ConfigurationError(
            f"{service.file.name}, [tool.dal]: populate names {settings.populate}, which does"
            " not exist"
        )
    migrations = service.migrations.path if service.migrations else None

    def needs_no_stub(path: Path) -> bool:
        path = path.resolve()  # because a setting may contain a link or `..`
        if populate and path == populate.resolve():
            return True
        return migrations is not None and migrations.resolve() in path.parents

    return Project(
        name=service.name,
        report_at=service.file,
        statements=tuple(dict.fromkeys(queries.folder.resolve() for queries in loaded)),
        migrations=migrations,
        bindings=[binding for queries in loaded for binding in queries.bindings],
        needs_no_stub=needs_no_stub,
        owner=service.owner,
        populate=populate,
        has_made_up_rows=populate is None,
        rules=(
            *([Rule(header_comment, "header-comment")] if settings.header_comments else []),
            *(DISTRIBUTED if settings.distributed else []),
        ),
    )


def _queries(service: Service, reference: str) -> Queries:
    name, _, attribute = reference.partition(":")
    try:
        with redirect_stdout(sys.stderr):  # what it prints is no part of a command's output
            module = import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a module's code may raise anything
        raise ConfigurationError(
            f"{service.file.name}, [tool.dal]: importing {name} fails{_where(service.root, error)}:"
            f" {_reason(error)}"
        ) from None
    queries = getattr(module, attribute, None)
    if not isinstance(queries, Queries):
        available = [key for key, value in vars(module).items() if isinstance(value, Queries)]
        raise ConfigurationError(
            f"{service.file.name}, [tool.dal]: {name} has no Queries called {attribute}; there are"
            f" {', '.join(available) or 'none'}"
        )
    return queries


@contextmanager
def _importing_from(root: Path) -> Iterator[None]:
    """Make modules in a project's folder and its `src` importable without installing them."""
    added = [str(root), str(root / "src")]
    sys.path[:0] = added
    try:
        yield
    finally:
        for path in added:
            sys.path.remove(path)


def _where(root: Path, error: BaseException) -> str:
    """The last place in the service's own code that led to an error."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(root) and ".venv" not in file.parts:
            return f" at {file.relative_to(root)}, line {frame.lineno}"
    return ""


def _reason(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "it ends the process; leave that to the program's own entry point"
    # Other errors' texts may hold values, such as a setting's.
    is_safe = isinstance(
        error, ImportError | SyntaxError | NameError | AttributeError | BindingError | DalError
    )
    return f"{type(error).__name__}: {error}" if is_safe else type(error).__name__
