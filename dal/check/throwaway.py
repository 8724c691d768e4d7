"""Prepares a throw-away database: migrated, and filled so that its tables look large."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from dal.check.fill import fill
from dal.check.findings import Finding
from dal.check.project import Project
from dal.check.server.populate import populate
from dal.migrate import apply
from dal.migrate.connection import connect
from dal.migrate.migration import Folders


@contextmanager
def throwaway_database(
    url: str, folders: Folders, projects: Sequence[Project], *, application_name: str
) -> Iterator[tuple[psycopg.Connection, list[Finding], list[str]]]:
    """Migrate an empty database and fill it from the projects' files, else with made-up rows.

    Parameters:
        url: the throw-away database.
        folders: the migrations.
        projects: the projects whose tables are in it.
        application_name: the connection's name on the server.

    Yields:
        A connection in autocommit mode; findings about statements that do not fit the schema; and
        a sentence for each table without rows.
    """
    apply(url, folders=folders)
    with connect(url, application_name=application_name) as connection:
        connection.autocommit = True
        findings = [finding for project in projects for finding in populate(connection, project)]
        remarks = [
            f"{problem}, so scans of it are not judged; insert rows in the file that"
            " `populate` names in [tool.dal]"
            for problem in fill(connection)
        ]
        yield connection, findings, remarks
