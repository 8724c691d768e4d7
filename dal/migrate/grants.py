"""The privileges that a service's role needs."""

import re

from psycopg import sql

from dal.migrate.connection import connect, explained
from dal.migrate.settings import apply_session_settings, committed_reads
from dal.paths import SQL

_TABLES = ("users", "tasks", "conversations", "messages")  # which sql/grants.sql knows
# Tables and views, and the sequences that number the rows of serial columns.
_OTHERS = """
    SELECT relkind = 'S', relname::text
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT relispartition
      AND nspname = ANY (current_schemas(false)) AND relname !~ '^_?yoyo_'
      AND NOT coalesce(starts_with(obj_description(pg_class.oid, 'pg_class'), 'dal '), false)
      AND NOT EXISTS (
          SELECT FROM pg_depend
          WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('i', 'e'))
    ORDER BY 1, 2
"""


def own(role: str) -> str:
    """The statements for dal's tables.

    Parameters:
        role: the service's.

    SQL: sql/grants.sql
    """
    text = (SQL / "grants.sql").read_text(encoding="utf-8")
    statements = text[text.index("\n\n") + 2 :]  # after the header comment
    return re.sub(r':"service"', lambda _: _quoted(role), statements)


def others(dsn: str, role: str, *, beside_own: bool) -> str:
    """The statements for a service's tables, views and sequences.

    Parameters:
        dsn: a database in which they are; its catalogue alone is read.
        role: the service's.
        beside_own: whether tables that are called like dal's are dal's to grant.
    """
    with connect(dsn, application_name="dal grants") as connection, explained("grants"):
        connection.read_only = True
        committed_reads(connection)
        apply_session_settings(connection, transaction=True)
        rows = connection.execute(_OTHERS.encode()).fetchall()
    lines = [
        f"GRANT {'USAGE ON SEQUENCE' if is_sequence else 'SELECT, INSERT, UPDATE, DELETE ON'}"
        f" {_quoted(name)} TO {_quoted(role)};\n"
        for is_sequence, name in rows
        if not (beside_own and name in _TABLES)
    ]
    return "".join(lines)


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)
