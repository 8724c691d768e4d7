"""What PostgreSQL says of a statement that it has prepared, and not run."""

from dataclasses import dataclass

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus

from dal.binding.statement import Statement
from dal.check.pgtypes import PgType, read_types

_TYPES = """
    SELECT
        type.oid, format_type(type.oid, NULL),
        CASE
            WHEN typtype <> 'b' THEN typtype::text
            WHEN typcategory = 'A' THEN 'a'
            WHEN type.oid >= 16384 THEN 'x'
            ELSE 'b'
        END,
        typbasetype, coalesce(rngtypid, CASE WHEN typcategory = 'A' THEN typelem ELSE 0 END),
        ARRAY(
            SELECT enumlabel::text FROM pg_enum WHERE enumtypid = type.oid ORDER BY enumsortorder)
    FROM pg_type AS type
    LEFT JOIN pg_range ON rngmultitypid = type.oid
"""
# Tables and views, and whether the search path finds them.
_COLUMNS = """
    SELECT
        relname::text, attname::text, attnotnull, relkind IN ('v', 'm'), nspname::text,
        pg_table_is_visible(pg_class.oid) AND nspname = ANY (current_schemas(false))
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
      AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER BY attrelid, attnum
"""
_FUNCTIONS = """
    SELECT DISTINCT proname::text FROM pg_proc
    WHERE pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
"""
_CHECKS = """
    SELECT relname::text, attname::text, pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
    WHERE contype = 'c' AND cardinality(conkey) = 1 AND pg_table_is_visible(conrelid)
"""


class RefusedError(Exception):
    """PostgreSQL can't prepare a statement; `position` is that in the text that was sent."""

    def __init__(self, message: str, hint: str, position: int | None) -> None:
        super().__init__(message)
        self.hint, self.position = hint, position


@dataclass(frozen=True, slots=True)
class Described:
    """What a statement takes and gives.

    Attributes:
        takes: the types of its parameters, in order.
        gives: the names of its columns, with their types, in order.
    """

    takes: list[PgType]
    gives: list[tuple[str, PgType]]

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters' types."""
        return [one.name for one in self.takes]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The names of the columns, with those of their types."""
        return [(name, one.name) for name, one in self.gives]


class Database:
    """A database whose schema the statements have to fit.

    Attributes:
        connection: to it.
        columns: relation, column, and whether it is declared NOT NULL, of the search path.
        views: which of these relations are views.
        everywhere: schema and relation, and the columns' names, of tables in all schemas.
        not_null: schema, relation and column of those that are declared NOT NULL.
        functions: the names of those that are not PostgreSQL's own.
        checks: the definitions of the CHECKs on a single column.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self._types = read_types(connection.execute(_TYPES))
        self.columns: dict[str, dict[str, bool]] = {}
        self.views: set[str] = set()
        self.everywhere: dict[tuple[str, str], list[str]] = {}
        self.not_null: set[tuple[str, str, str]] = set()
        self.functions = {name for (name,) in connection.execute(_FUNCTIONS)}
        for relation, column, not_null, view, schema, visible in connection.execute(_COLUMNS):
            if visible:
                self.columns.setdefault(relation, {})[column] = not_null
                self.views |= {relation} if view else set()
            self.not_null |= {(schema, relation, column)} if not_null else set()
            if not view:
                self.everywhere.setdefault((schema, relation), []).append(column)
        self.checks: dict[tuple[str, str], list[str]] = {}
        for relation, column, definition in connection.execute(_CHECKS):
            self.checks.setdefault((relation, column), []).append(definition)

    def describe(self, statement: Statement) -> Described:
        """Prepare a statement and ask for its description; nothing is run.

        Raises:
            RefusedError: it does not fit the schema.
        """
        wire = self.connection.pgconn
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
            [self._types[described.param_type(n)] for n in range(described.nparams)],
            [
                ((described.fname(n) or b"").decode(), self._types[described.ftype(n)])
                for n in range(described.nfields)
            ],
        )
