"""Describes statements: PostgreSQL prepares them, but does not run them."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus

from dal.binding.statement import Statement
from dal.check.types.pgtypes import PgType


class RefusedError(Exception):
    """PostgreSQL can't prepare a statement; `position` is in the text that was sent."""

    def __init__(self, message: str, hint: str, position: int | None) -> None:
        super().__init__(message)
        self.hint, self.position = hint, position


@dataclass(frozen=True, slots=True)
class Described:
    """A statement's parameters and columns.

    Attributes:
        parameters: the parameters' types, in order.
        columns: the columns' names and types, in order.
    """

    parameters: list[PgType]
    columns: list[tuple[str, PgType]]


def describe(
    connection: psycopg.Connection, statement: Statement, types: Mapping[int, PgType]
) -> Described:
    """Prepare a statement and ask for its description; nothing is run.

    Parameters:
        types: the types of the database, by OID.

    Raises:
        RefusedError: it does not fit the schema.
    """
    wire = connection.pgconn
    prepared = wire.prepare(b"", statement.text.encode())
    if prepared.status != ExecStatus.COMMAND_OK:

        def field(which: DiagnosticField) -> str:
            return (prepared.error_field(which) or b"").decode()

        position = field(DiagnosticField.STATEMENT_POSITION)
        raise RefusedError(
            field(DiagnosticField.MESSAGE_PRIMARY),
            field(DiagnosticField.MESSAGE_HINT),
            int(position) - 1 if position else None,
        )
    described = wire.describe_prepared(b"")
    return Described(
        [types[described.param_type(n)] for n in range(described.nparams)],
        [
            ((described.fname(n) or b"").decode(), types[described.ftype(n)])
            for n in range(described.nfields)
        ],
    )
