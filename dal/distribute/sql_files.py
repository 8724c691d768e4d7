"""Runs the SQL files of sql/distribute/, and reads the rows that they return."""

from dataclasses import dataclass
from typing import TypeVar

import psycopg
from psycopg.rows import class_row

from dal.binding.statement import read_statement
from dal.paths import SQL

Row = TypeVar("Row")


def rows(
    connection: psycopg.Connection, name: str, row: type[Row], **parameters: object
) -> list[Row]:
    """The rows of a file.

    Parameters:
        connection: to the database.
        name: the file's, without its ending.
        row: the class of a row, whose attributes are the columns.
        parameters: those of the statement.
    """
    statement = read_statement(SQL, f"distribute/{name}.sql")
    values = [parameters[name] for name in statement.parameters]
    # A RawCursor takes `$1` and leaves `%` alone.
    with psycopg.RawCursor(connection, row_factory=class_row(row)) as cursor:
        return cursor.execute(statement.text.encode(), values).fetchall()


@dataclass(frozen=True, slots=True)
class Step:
    """A statement that a file has written.

    Attributes:
        statement: its text.
        phase: when it runs, as sql/distribute/distribute.sql explains.
    """

    statement: str
    phase: str = ""
