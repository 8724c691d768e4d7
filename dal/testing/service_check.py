"""`assert_proven` for the tests of a service: runs `dal check` on its statements."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dal.project.service import Service
    from dal.testing.pytest_run import Run


class UnprovenWarning(UserWarning):
    """A table has no rows, so that scans of it are not judged."""


def assert_proven() -> None:
    """Fail with the findings of `dal check` in a database that is made for it.

    The service is that of the test's own folder, else that of pytest's root. The server is that of
    the tests, or an embedded one where none has been started.

    Raises:
        AssertionError: a statement is not proven; the text has each finding with its place.
        ConfigurationError: `[tool.dal]` is not found or has a mistake, or a module can't be
            imported.

    Warns:
        UnprovenWarning: a table can't be filled, so that scans of it are not judged.
    """
    __tracebackhide__ = True  # by pytest

    from dal.errors import DalError
    from dal.testing.pytest_run import run, told

    with told():
        postgres = run().postgres
        import psycopg

        from dal.binding.errors import binding_errors
        from dal.check.run import check
        from dal.check.throwaway import throwaway_database
        from dal.project import loading, service

    project = _service(run())
    with binding_errors.block() as unfit:
        projects = loading.projects(project)
    url = postgres.create()
    try:
        folders = service.folders(project)
        with throwaway_database(url, folders, projects, application_name="dal check") as database:
            connection, findings, remarks = database
            findings += check(connection, projects, live=False, binding_errors=unfit)[0]
    except (DalError, psycopg.Error) as error:
        raise error.with_traceback(None) from None  # it would show the address
    finally:
        postgres.drop(url)
    if findings:
        number = f"{len(findings)} finding{'s' * (len(findings) != 1)}"
        listed = [finding.as_text(Path.cwd()) for finding in findings]
        notes = [f"note: {remark}" for remark in remarks]
        raise AssertionError("\n\n".join([number, *listed, *notes]))
    for remark in remarks:
        warnings.warn(remark, UnprovenWarning, stacklevel=2)


def _service(run: "Run") -> "Service":
    from dal.errors import ConfigurationError

    __tracebackhide__ = True
    if service := run.service:
        return service
    place = run.test.parent if run.test else run.root
    raise ConfigurationError(
        f"there is nothing to prove: no pyproject.toml in {place} or above it has the table"
        " [tool.dal]; put the test below the service's folder, or name that folder as pytest's"
        " --rootdir"
    )
