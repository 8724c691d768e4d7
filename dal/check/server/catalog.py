"""Reads the schema from a database's catalogue and statistics."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import psycopg

from dal.binding.statement import Statement
from dal.check.project import Project, joint_owner
from dal.check.server.describe import Described, describe
from dal.check.server.samples import Samples
from dal.check.server.tables import read_schema
from dal.check.types.pgtypes import read_types

LARGE_ROWS = 5000
"""The fewest rows of a table whose plans are judged: reading a small table in full is right."""

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
_CHECKS = """
    SELECT
        CASE WHEN pg_table_is_visible(pg_class.oid) THEN relname::text
            ELSE format('%s.%s', nspname, relname) END,
        attname::text, pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
    WHERE contype = 'c' AND cardinality(conkey) = 1 AND convalidated
"""
# By the name alone, too, if the table is on the search path.
_ROWS = """
    SELECT name, reltuples
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace,
    LATERAL unnest(ARRAY[
        format('%s.%s', nspname, relname),
        CASE WHEN pg_table_is_visible(pg_class.oid) THEN relname::text END]) AS name
    WHERE relkind IN ('r', 'p', 'm') AND name IS NOT NULL
"""
_INDEXES = """
    SELECT
        of_table.relname::text, index.relname::text,
        indisunique AND indpred IS NULL AND indexprs IS NULL,
        ARRAY(
            SELECT attname::text
            FROM unnest(indkey) WITH ORDINALITY AS key (number, place)
            LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = number
            WHERE place <= indnkeyatts
            ORDER BY place)
    FROM pg_index
    JOIN pg_class AS index ON index.oid = indexrelid
    JOIN pg_class AS of_table ON of_table.oid = indrelid
    WHERE indisvalid AND pg_table_is_visible(indrelid)
"""
_IS_DISTRIBUTED = "SELECT FROM pg_dist_partition WHERE partmethod = 'h' LIMIT 1"


class Catalog:
    """The schema that statements are proven against.

    Parameters:
        connection: to a database that is migrated.
        projects: the projects whose tables are in the database.
        live: whether the rows are real; then unused indexes and needless waivers of plan rules
            are not reported.

    Attributes:
        owners: the columns that hold the owners of rows.
        schema: the tables, functions and types that the analysis of statements needs.
        checks: the definitions of the CHECKs on a single column, by table and column.
        rows: the planner's estimate of each table's rows, by `name` and `schema.name`.
        index_columns: the columns of each index, in order; None for an expression.
        unique: the columns of each table's unique indexes, by index.
    """

    def __init__(
        self, connection: psycopg.Connection, projects: Sequence[Project], *, live: bool = False
    ) -> None:
        self.connection, self.projects, self.live = connection, projects, live
        self.owners = joint_owner([project.owner for project in projects])
        self.schema = read_schema(connection)
        self._types = read_types(connection.execute(_TYPES))
        self.checks: dict[tuple[str, str], list[str]] = defaultdict(list)
        for table, column, definition in connection.execute(_CHECKS):
            self.checks[table, column].append(definition)
        self.rows: dict[str, float] = dict(connection.execute(_ROWS).fetchall())
        self.index_columns: dict[str, list[str | None]] = {}
        self.unique: dict[str, dict[str, set[str | None]]] = defaultdict(dict)
        for table, index, unique, columns in connection.execute(_INDEXES):
            self.index_columns[index] = columns
            if unique:
                self.unique[table][index] = set(columns)

    @cached_property
    def is_distributed(self) -> bool:
        """Whether tables are spread over the nodes of a Citus cluster."""
        if "pg_dist_partition" not in self.schema.visible:
            return False
        return bool(self.connection.execute(_IS_DISTRIBUTED).fetchall())

    @cached_property
    def samples(self) -> Samples:
        """Values from the planner's statistics."""
        return Samples(self.connection)

    def describe(self, statement: Statement) -> Described:
        """PostgreSQL's description of a statement, which is prepared but not run.

        Raises:
            RefusedError: it does not fit the schema.
        """
        return describe(self.connection, statement, self._types)

    def owner(self, table: str, columns: Iterable[str]) -> str | None:
        """The column that holds the owner of a table's rows, if it has one."""
        return self.owners.for_table(table, columns)

    def project_of_file(self, path: Path) -> Project:
        """The project that a statement's file belongs to."""
        for project in self.projects:
            if any(path.is_relative_to(folder) for folder in project.statements):
                return project
        return self.projects[-1]

    def project_of_table(self, comment: str | None) -> Project | None:
        """The project that a table belongs to, by its comment; None if it belongs to none."""
        for project in self.projects:
            if project.comment_prefix and (comment or "").startswith(project.comment_prefix):
                return project
        return next((project for project in self.projects if not project.comment_prefix), None)

    def is_large(self, table: str) -> bool:
        """Whether the plans that read a table are judged."""
        return self.rows.get(table, 0) >= LARGE_ROWS
