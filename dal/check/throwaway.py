"""Rows for a throw-away database: what the projects say of them, and made-up ones for the rest."""

from collections.abc import Sequence

import psycopg

from dal.check.fill import fill
from dal.check.findings import Finding
from dal.check.project import Project
from dal.check.server.populate import populate


def filled(
    connection: psycopg.Connection, projects: Sequence[Project]
) -> tuple[list[Finding], list[str]]:
    """Fill the tables, so that they look large to the planner.

    Parameters:
        connection: in autocommit mode, to a database that is migrated and will be thrown away.
        projects: whose tables are in it.

    Returns:
        The statements of the projects' own that do not fit the schema; and a sentence for each
        table that has no rows.
    """
    findings = [finding for project in projects for finding in populate(connection, project)]
    remarks = [
        f"no rows to prove plans with in {problem}; insert some in the file that"
        " `populate` names in [tool.dal]"
        for problem in fill(connection)
    ]
    return findings, remarks
