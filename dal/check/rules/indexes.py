"""Missing, duplicate and unused indexes."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import psycopg

from dal.check.definitions import defined_at
from dal.check.findings import Finding
from dal.check.project import Project
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.source.header import Header
from dal.source.waivers import apply_waivers

# The comment on a table names its project and migration: `dal 0002.tasks: ...`.
_FOREIGN_KEYS = """
    SELECT
        conrelid::regclass::text, conname::text, obj_description(conrelid, 'pg_class'),
        ARRAY(
            SELECT quote_ident(attname)
            FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number
            ORDER BY place)
    FROM pg_constraint
    WHERE contype = 'f' AND conparentid = 0 AND pg_table_is_visible(conrelid)
      AND NOT EXISTS (
          SELECT
          FROM pg_index
          JOIN pg_class ON pg_class.oid = indexrelid
          JOIN pg_am ON pg_am.oid = relam AND amname IN ('btree', 'hash')
          WHERE indrelid = conrelid AND indisvalid AND indpred IS NULL
            AND indnkeyatts >= cardinality(conkey)
            AND (indkey::smallint[])[0:cardinality(conkey) - 1] @> conkey)
    ORDER BY 1, 2
"""
# The text after USING defines an index, except its name, its table, and whether it is unique.
_DUPLICATES = """
    WITH index AS (
        SELECT
            indrelid, indexrelid, relname::text AS name, relam, indisunique,
            split_part(pg_get_indexdef(indexrelid), ' USING ', 2) AS definition,
            indpred IS NULL AND indexprs IS NULL AND indnatts = indnkeyatts AS plain,
            ARRAY(
                SELECT concat_ws(' ', indkey[n], indclass[n], indcollation[n], indoption[n])
                FROM generate_series(0, indnkeyatts - 1) AS n) AS keys,
            row_number() OVER (ORDER BY indisprimary DESC, indisunique DESC, indexrelid) AS rank
        FROM pg_index
        JOIN pg_class ON pg_class.oid = indexrelid
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE pg_table_is_visible(indrelid) AND nspname !~ '^pg_'
    )
    SELECT DISTINCT ON (later.indrelid::regclass::text, later.name)
        later.indrelid::regclass::text, later.name, obj_description(later.indrelid, 'pg_class'),
        other.name, later.definition = other.definition, quote_ident(later.name),
        ARRAY(
            SELECT quote_ident(attname)
            FROM pg_index
            JOIN pg_attribute ON attrelid = pg_index.indrelid AND attnum = ANY (indkey)
            WHERE indexrelid = later.indexrelid)
    FROM index AS later
    JOIN index AS other ON other.indrelid = later.indrelid AND other.rank < later.rank
    WHERE later.definition = other.definition
        OR (other.indisunique AND NOT later.indisunique AND later.plain AND other.plain
            AND later.relam = other.relam AND other.keys[1:cardinality(later.keys)] = later.keys)
    ORDER BY 1, 2, other.rank
"""


def indexes(statements: Sequence[BoundStatement], catalog: Catalog) -> Iterator[Finding]:
    """Foreign keys without an index, duplicate indexes, and unused ones."""
    yield from _foreign_keys(catalog)
    yield from _duplicates(catalog)
    # Report unused indexes only for a single project, if its rows are not live and all plans are
    # known.
    project = catalog.projects[0] if len(catalog.projects) == 1 else None
    if not catalog.live and project and project.indexes and all(map(_can_be_judged, statements)):
        yield from _unused(project, project.indexes, statements, catalog)


def _foreign_keys(catalog: Catalog) -> Iterator[Finding]:
    rows = catalog.connection.execute(_FOREIGN_KEYS)
    for table, name, comment, columns in rows:
        listed = ", ".join(columns)
        if project := catalog.project_of_table(comment):
            yield Finding(
                "foreign-key-index",
                *defined_at(project, name, comment, table=table, columns=_bare(columns)),
                f"{name} needs an index of {table} that begins with {listed}, in any order;"
                " deleting a row that it refers to scans the table",
                f"add CREATE INDEX CONCURRENTLY ... ON {table} ({listed}) in a migration",
                name,
            )


def _duplicates(catalog: Catalog) -> Iterator[Finding]:
    rows = catalog.connection.execute(_DUPLICATES)
    for table, name, comment, other, same, quoted, columns in rows:
        if project := catalog.project_of_table(comment):
            yield Finding(
                "duplicate-index",
                *defined_at(project, name, comment, table=table, columns=_bare(columns)),
                f"{name} is {'the same as' if same else 'the beginning of'} {other}",
                f"drop it in a migration: DROP INDEX CONCURRENTLY {quoted}",
                name,
            )


def _bare(columns: Iterable[str]) -> list[str]:
    """Quoted names of columns, as words to look for."""
    return [column.strip('"') for column in columns]


def _unused(
    project: Project, query: Path, statements: Sequence[BoundStatement], catalog: Catalog
) -> Iterator[Finding]:
    """Indexes that neither a key nor a statement's plan uses."""
    header = Header.read(query)

    def in_query(rule: str, offset: int, message: str, help_: str) -> Finding:
        return Finding(rule, query, offset, message, help_)

    planned = [statement for statement in statements if statement.has_plan]
    used = {
        name for statement in planned if not statement.missing for name in statement.plan.indexes
    }
    unused = {name for (name,) in catalog.connection.execute(query.read_bytes())} - used
    findings = [
        Finding(
            "unused-index",
            *defined_at(project, name, default=query),
            f"no statement's plan uses {name}, nor does a key need it",
            f"drop it, or write `-- Waives unused-index on {name}: why.` in {query.name}",
            name,
        )
        for name in sorted(unused)
    ]
    yield from apply_waivers(
        findings, header, rules=["unused-index"], can_tell_needless=lambda _: True, make=in_query
    )


def _can_be_judged(statement: BoundStatement) -> bool:
    """Whether a statement is planned, or needs no plan."""
    try:
        return bool(statement.missing or not statement.has_plan or statement.plan)
    except psycopg.OperationalError:
        raise
    except psycopg.Error:
        return False
