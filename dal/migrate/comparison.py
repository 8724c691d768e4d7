"""Compares an existing schema with the one that migrations make."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg import sql

from dal.migrate.connection import explained, rolled_back
from dal.migrate.migration import Migration
from dal.migrate.rehearsal import rehearsed
from dal.paths import SQL

_OWNERSHIP_PREFIX = "dal "
_SCRATCH = sql.Identifier("dal_comparison")
# After a restore, PostgreSQL may print CHECKs, partial and expression indexes, and defaults
# differently, such as with a cast in another place. So each is rebuilt from its printed form, as a
# restore does.
_AS_RESTORED = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %2$I %s',
        conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE contype = 'c' AND conrelid <> 0 AND connamespace = 'dal_comparison'::regnamespace
    UNION ALL
    SELECT format('DROP INDEX %s; %s', indexrelid::regclass, pg_get_indexdef(indexrelid))
    FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE (indpred IS NOT NULL OR indexprs IS NOT NULL)
      AND relnamespace = 'dal_comparison'::regnamespace
    UNION ALL
    SELECT format('ALTER TABLE %s ALTER %I SET DEFAULT %s',
        attrelid::regclass, attname, pg_get_expr(adbin, adrelid))
    FROM pg_attrdef
    JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
    JOIN pg_class ON pg_class.oid = attrelid
    WHERE attgenerated = '' AND relnamespace = 'dal_comparison'::regnamespace
"""
_TOLERATED_KINDS = ("trigger", "rule", "row security", "policy")
"""Kinds that others may add to dal's tables; sql/obstacles.sql reports those that change rows."""


class Part(NamedTuple):
    """A row of sql/objects.sql: a table's name, and a part of it."""

    table: str
    kind: str
    definition: str

    @property
    def place(self) -> tuple[str, str, str]:
        """The table, the kind, and the part's own name, with which its definition begins."""
        return self.table, self.kind, self.definition.partition(" ")[0]

    @property
    def comment(self) -> str | None:
        """The comment on the table itself."""
        number, _, text = self.definition.partition(" ")
        return text if (self.kind, number) == ("comment", "0") else None

    def __str__(self) -> str:
        return " ".join(f"{self.table} {self.kind} {self.definition}".split())


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a comparison.

    Attributes:
        differences: what is missing or unknown.
        notes: additions that stop nothing.
        lost_comments: the ownership comments that tables are to get back, by the table's name.
    """

    differences: list[str]
    notes: list[str]
    lost_comments: dict[str, str]


def compare(
    connection: psycopg.Connection,
    migrations: Sequence[Migration],
    without_comment: Collection[str],
) -> Comparison:
    """Compare the current schema with what migrations make of an empty one.

    They are run in a schema of their own, which is rolled back. A table that is elsewhere on the
    search path is used from there, as in a run. A table without an ownership comment was there
    before dal, and is not compared.

    Parameters:
        connection: in autocommit mode.
        migrations: those that the schema should have.
        without_comment: tables that can't have been there before dal, and so have lost their
            ownership comment.
    """
    made, restored, there = _schemas(connection, migrations)
    comments = {part.table: part.comment for part in there if part.comment}
    # Only dal's: a service's tables have no such comment, and all of them are compared.
    own_comments = {
        part.table: comment
        for part in made
        if (comment := part.comment or "").startswith(_OWNERSHIP_PREFIX)
    }
    present = {part.table for part in there} & {part.table for part in made}
    foreign = {
        table
        for table in present & own_comments.keys()
        if not comments.get(table, "").startswith(_OWNERSHIP_PREFIX)
    }
    earlier = foreign.difference(without_comment)
    known = defaultdict(set)
    for part in made | restored:
        known[part.place].add(part)
    absent = {part.table for part in made} - present
    compared = [part for part in sorted(there) if part.table in present - earlier]
    unknown = [part for part in compared if part.kind != "comment" and part not in made | restored]
    return Comparison(
        differences=[
            *(f"missing: {table}" for table in sorted(absent)),
            *(
                f"missing: {part}"
                for part in sorted(made)
                if part.kind != "comment"
                and part.table in present - earlier
                and there.isdisjoint(known[part.place])
            ),
            *(f"unknown: {part}" for part in unknown if part.kind not in _TOLERATED_KINDS),
        ],
        notes=[
            *(
                f"{table} has no comment by dal, so it was there before: it is used as it is and no"
                f" rollback drops it. If dal made it: COMMENT ON TABLE {table} IS"
                f" '{own_comments[table]}'"
                for table in sorted(earlier)
            ),
            *(
                f"beside the migrations there is {part}"
                for part in unknown
                if part.kind in _TOLERATED_KINDS
            ),
        ],
        lost_comments={
            table: ": ".join((own_comments[table].partition(":")[0], comments[table]))
            if table in comments
            else own_comments[table]
            for table in sorted(foreign - earlier)
        },
    )


def _schemas(
    connection: psycopg.Connection, migrations: Sequence[Migration]
) -> tuple[set[Part], set[Part], set[Part]]:
    """The schema that migrations make, the same restored from a dump, and the existing one."""
    current, path = connection.execute(
        "SELECT current_schema()::text, current_schemas(false)::text[]"
    ).fetchone() or ("", [])
    with rolled_back(connection):
        with explained("creating the temporary schema for the comparison", retried=True):
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(_SCRATCH))
        others = [_SCRATCH, *(sql.Identifier(schema) for schema in path if schema != current)]
        connection.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.SQL(", ").join(others)))
        with rehearsed(connection, migrations, without_concurrently=True):
            made = _parts(connection, "dal_comparison")
            for (statement,) in connection.execute(_AS_RESTORED).fetchall():
                connection.execute(statement.encode())
            restored = _parts(connection, "dal_comparison")
    return made, restored, _parts(connection, current)


def _parts(connection: psycopg.Connection, schema: str) -> set[Part]:
    rows = connection.execute((SQL / "objects.sql").read_bytes())
    return {Part(*row) for in_schema, *row in rows if in_schema == schema}
