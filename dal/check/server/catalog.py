"""What a database's catalogue and statistics say of the schema."""

from collections import defaultdict
from functools import cached_property

import psycopg

from dal.check.project import Project
from dal.check.server.describe import Database
from dal.check.server.samples import Samples

LARGE_ROWS = 5000
"""How many rows a table needs for its plans to be judged: a small one is rightly read whole."""

_ROWS = """
    SELECT relname::text, reltuples
    FROM pg_class
    WHERE relkind IN ('r', 'p', 'm') AND pg_table_is_visible(oid)
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


class Catalog(Database):
    """The schema that statements are proven against.

    Parameters:
        connection: to a database that is migrated.
        project: whose statements and migrations they are.
        live: the rows are a service's own, so that they do not tell whether an index is needless.

    Attributes:
        rows: how many rows the planner takes each table to have.
        index_columns: the columns of each index, in order; None for an expression.
        unique: the columns of each table's unique indexes, by the index.
    """

    def __init__(
        self, connection: psycopg.Connection, project: Project, *, live: bool = False
    ) -> None:
        super().__init__(connection)
        self.project, self.live = project, live
        self.rows: dict[str, float] = dict(connection.execute(_ROWS).fetchall())
        self.index_columns: dict[str, list[str | None]] = {}
        self.unique: dict[str, dict[str, set[str | None]]] = defaultdict(dict)
        for table, index, unique, columns in connection.execute(_INDEXES):
            self.index_columns[index] = columns
            if unique:
                self.unique[table][index] = set(columns)

    @cached_property
    def samples(self) -> Samples:
        """Values that the planner knows something of."""
        return Samples(self.connection)

    def owner(self, table: str, columns: list[str]) -> str | None:
        """The column that says whose a table's rows are, if the project has such a rule."""
        return self.project.owner.of(table, columns) if self.project.owner else None

    def is_large(self, table: str) -> bool:
        """Whether the plans that read a table are judged."""
        return self.rows.get(table, 0) >= LARGE_ROWS
