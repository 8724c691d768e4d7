"""Fills a database with a project's rows, for realistic plans."""

import psycopg
import sqlparse

from dal.check.findings import Finding
from dal.check.project import Project
from dal.source.text import Source


def populate(connection: psycopg.Connection, project: Project) -> list[Finding]:
    """Fill an empty, migrated database, so that its tables look large to the planner.

    Parameters:
        connection: in autocommit mode.
        project: names the file with the statements, if it has one.

    Returns:
        Findings about statements that do not fit the schema. Plans on the tables that they
        would have filled are not proven.
    """
    file = project.populate
    if file is None:
        return []
    text = Source.read(file).text
    findings = []
    for statement in sqlparse.split(text):
        try:
            connection.execute(statement.encode())
        except (psycopg.ProgrammingError, psycopg.IntegrityError) as error:
            message = f"no rows to prove plans with: {error.diag.message_primary}"
            code = sqlparse.format(statement, strip_comments=True).partition("\n")[0]
            help_ = f"bring {file.name} to this schema"
            findings.append(Finding("populate", file, text.find(code), message, help_))
    return findings
