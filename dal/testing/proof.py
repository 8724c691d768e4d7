"""Runs `dal check` on a service's statements from its tests."""

from pathlib import Path


def assert_proven() -> None:
    """Fail with the findings of `dal check` in a database that is made for it.

    The server is that of the tests, or an embedded one where none has been started.

    Raises:
        AssertionError: a statement is not proven; the text has each finding with its place.
        ConfigurationError: `[tool.dal]` has a mistake, or a module can't be imported.
    """
    __tracebackhide__ = True  # by pytest

    from dal.binding.errors import misfits
    from dal.check.run import check
    from dal.check.throwaway import prepared
    from dal.project import loading, service
    from dal.testing.plugin import server

    project = service.find()
    with misfits.block() as unfit:
        projects = loading.projects(project)
    postgres = server()
    url = postgres.create()
    try:
        folders = service.folders(project)
        with prepared(url, folders, projects, application_name="dal check") as database:
            connection, findings, _ = database
            findings += check(connection, projects, live=False, misfits=unfit)[0]
    finally:
        postgres.drop(url)
    if findings:
        listed = [finding.as_text(Path.cwd()) for finding in findings]
        raise AssertionError("\n\n".join([f"{len(findings)} findings", *listed]))
